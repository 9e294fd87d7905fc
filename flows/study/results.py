"""What a finished study says: its trials' numbers as rows over seeds, its figures, its folder.

Files: index.html, table.md, table.csv, and each figure as .png and .svg; numbers.json comes last and
says that the others are whole.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flows.documents.numbers import entry, protocol_words, references, require_one_protocol
from flows.study.costs import FLOPS, costs_of, flops_of
from flows.study.made_trial import MadeTrial
from flows.study.measures import measured_on
from flows.study.study import Point
from flows.study.trials import Plan, Trial
from kdm.analyze.analysis import Drawing, Findings
from kdm.metrics.metric import Meaning
from kdm.report.content import Numbers, StudentEntry
from kdm.report.seeds import by_seeds
from kdm.report.study_page import (
    PaperNumbers,
    StudyPage,
    csv_table,
    markdown_table,
    render_study,
)
from kdm.report.tables import SampleCounts
from storage.digest import seal
from storage.folders import Folder

VERSION = 1  # of the page
NUMBERS = "numbers.json"
_MOST_PANELS = 4


def write_results(plan: Plan, made: Sequence[MadeTrial]) -> Folder:
    """Write the folder of a study from its trials, in their order; returns it."""
    entries = _entries(plan, made)
    page = _page(plan, made, entries)
    folder = plan.folder
    folder.sweep()
    for drawing in page.drawings:
        folder.replace(f"{drawing.name}.png", drawing.png)
        folder.replace(f"{drawing.name}.svg", drawing.svg)
    folder.replace("table.md", markdown_table(page).encode())
    folder.replace("table.csv", csv_table(page).encode())
    folder.replace("index.html", render_study(page).encode())
    folder.replace(NUMBERS, seal(_document(plan, page, made, entries)))
    return folder


def _page(plan: Plan, made: Sequence[MadeTrial], entries: Sequence[StudentEntry]) -> StudyPage:
    require_one_protocol([each.student.facts for each in made])
    first = made[0]
    meanings = measured_on(plan)
    rows = tuple(by_seeds(entries))
    known = {name for row in rows for name in row.values}
    meanings = {name: meaning for name, meaning in meanings.items() if name in known}
    facts = first.student.facts
    own = _references(first)
    words = protocol_words(facts)
    return StudyPage(
        title=plan.study.title,
        about=plan.study.about,
        data=plan.data,
        seeds=plan.study.seeds_on(plan.data),
        students=rows,
        references=own,
        meanings=meanings,
        counts=SampleCounts(facts["num_heldout"], facts["num_fresh"]),
        changes={point.name: _said(point, plan) for point in plan.study.points_on(plan.data)},
        drawings=(*_charts(plan, rows, own[0], meanings), *_drawings(plan, made)),
        command=f"kdm study {shlex.quote(plan.source)} --on {shlex.quote(plan.data)}",
        paper=_paper(plan),
        notes=(words,) if words else (),
    )


def _entries(plan: Plan, made: Sequence[MadeTrial]) -> list[StudentEntry]:
    """Every trial's numbers; FLOPs, which take seconds to count, only for a study that prints them."""
    counted: dict[str, dict[str, float]] = {}
    if FLOPS & measured_on(plan).keys():
        for trial, each in zip(plan.trials, made, strict=True):
            if trial.point.name not in counted:
                (student,) = trial.recipe.students
                counted[trial.point.name] = flops_of(student, each.student.place)
    return [
        _entry(trial, each, counted.get(trial.point.name, {}))
        for trial, each in zip(plan.trials, made, strict=True)
    ]


def _entry(trial: Trial, made: MadeTrial, flops: Mapping[str, float]) -> StudentEntry:
    """A trial's numbers; trials of one point differ in their seed alone, so they are one row."""
    document = made.student.facts
    found = made.findings
    settings = {"point": trial.point.name, "training": {"seed": trial.seed}}
    whole = {**document, "student": trial.point.name}
    whole["values"] = {
        **document["values"],
        **(found.numbers if found else {}),
        **costs_of(made.student, trial.recipe.students[0].training),
        **flops,
    }
    whole["intervals"] = {**document.get("intervals", {}), **(found.intervals if found else {})}
    return entry(whole, settings)


def _references(first: MadeTrial) -> tuple[Numbers, ...]:
    document = first.student.facts
    teachers = first.findings.teacher if first.findings else {}
    whole = {**document, "floor": {**document["floor"], **teachers}}
    return tuple(replace(each, absent="") for each in references(whole))


def _said(point: Point, plan: Plan) -> dict[str, str]:
    on = plan.study.on[plan.data]
    student = point.student or on.student
    own = {"student": student} if student else {}
    changes: Mapping[str, Any] = {**own, **on.set, **point.set}
    return {place: json.dumps(value, ensure_ascii=False) for place, value in changes.items()}


def _paper(plan: Plan) -> PaperNumbers | None:
    paper = plan.study.paper
    if paper is None:
        return None
    return PaperNumbers(paper.source, paper.data, paper.columns, paper.rows)


def _charts(
    plan: Plan, rows: Sequence[Numbers], teacher: Numbers, meanings: Mapping[str, Meaning]
) -> list[Drawing]:
    """The panels of numbers; [] if the study draws none."""
    on = plan.study.on[plan.data]
    names = [*meanings][:_MOST_PANELS] if on.figure is None else on.figure
    names = [name for name in names if name in meanings]
    if not names:
        return []
    from kdm.analyze.study_charts import Axis, Panel, study_chart  # matplotlib

    points = plan.study.points_on(plan.data)
    at = [point.at for point in points]
    axis = Axis(
        [point.name for point in points],
        plan.study.varies,
        None if None in at else [float(each) for each in at if each is not None],
        [point.series for point in points],
    )
    panels = [
        Panel(
            meanings[name].label,
            [_seeds(row, name) for row in rows],
            teacher.values.get(name),
            meanings[name].is_fraction,
        )
        for name in names
    ]
    paper = plan.study.paper
    if paper is not None and sum(point.name in paper.rows for point in points) > 1:
        values = [paper.rows[each.name][0] if each.name in paper.rows else None for each in points]
        label = f"{paper.columns[0]} ({paper.source})"
        panels.append(
            Panel(label, [[] if each is None else [each] for each in values], is_papers=True)
        )
    drawn = study_chart(f"On {plan.data}", axis, panels)
    alt = "; ".join(
        f"{meanings[name].label}: "
        + ", ".join(f"{row.name} {row.values[name]:.3g}" for row in rows if name in row.values)
        for name in names
    )
    explanation = (
        "Large dots are means over seeds with their 95 % intervals, small ones single seeds; the dashed "
        "line is the teacher in the student’s place. Grey panels show what the paper prints."
    )
    return [Drawing("figure", "Figure", explanation, alt, drawn.png, drawn.svg)]


def _seeds(row: Numbers, name: str) -> list[float]:
    if name in row.by_seed:
        return [float(value) for value in row.by_seed[name]]
    return [float(row.values[name])] if name in row.values else []


def _drawings(plan: Plan, made: Sequence[MadeTrial]) -> list[Drawing]:
    if plan.analysis is None:
        return []
    found: dict[str, list[Findings]] = {}
    for trial, each in zip(plan.trials, made, strict=True):
        assert each.findings is not None
        found.setdefault(trial.point.name, []).append(each.findings)
    return plan.analysis.draw(found)


def _document(
    plan: Plan, page: StudyPage, made: Sequence[MadeTrial], entries: Sequence[StudentEntry]
) -> dict[str, Any]:
    """All numbers of all trials, with what they are of."""
    students = [
        {"point": trial.point.name, "seed": trial.seed, "student": each.student.name}
        | {"values": {name: entry.values.get(name) for name in page.meanings}}
        for trial, each, entry in zip(plan.trials, made, entries, strict=True)
    ]
    rows = {
        row.name: {
            "values": {n: row.values[n] for n in page.meanings if n in row.values},
            "intervals": {n: list(row.intervals[n]) for n in page.meanings if n in row.intervals},
        }
        for row in (*page.references, *page.students)
    }
    return {
        "version": VERSION,
        "study": plan.study.model_dump(mode="json"),
        "data": plan.data,
        "trials": students,
        "rows": rows,
    }
