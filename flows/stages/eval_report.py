"""Stage `eval-report`: the recipe's page, its numbers, and the overview of the whole home."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flows.progress import Reporter, silent, unsaid
from flows.stages.claim import claimed
from flows.stages.evaluate import evaluate
from flows.stages.known import known_runs, remembered
from flows.stages.measured import read_metrics
from flows.stages.numbers import entry, settings_of
from flows.stages.pages import is_whole, write_page
from flows.stages.run import Run, StageResult
from kdm.evaluate.evaluate import meanings_of
from kdm.report.content import EvaluationEvent
from kdm.report.seeds import by_seeds
from storage.digest import digest_of, seal, unseal
from storage.fs import Folder

STAGE = "eval-report"
# Raised by a change of the page, so that old pages are written anew.
VERSION = 3
_EVENT = re.compile(r"[0-9a-f]{64}\.json")


def eval_report(run: Run, judged: StageResult, students: Sequence[StageResult]) -> StageResult:
    """Write the report unless it is current, then the overview of the home.

    It covers every student of the recipe that was ever trained here, `students` among them.
    """
    known = {student.name: student for student in (*remembered(run), *students)}
    evaluated = [evaluate(run, judged, student) for student in known.values()]
    (run.home / "reports").sweep()
    folder = run.report_folder()
    identity = report_identity(run, evaluated)
    result = StageResult(STAGE, folder.name, folder.url, identity, "cached")
    standing = read_metrics(folder)
    is_current = standing is not None and standing["identity"] == identity
    if is_current and is_whole(folder, "report.html"):
        if not is_whole(run.home / "reports", "overview.html"):
            write_overview(run.home, (run,))
        return replace(result, facts=standing or {})
    # torch and matplotlib: a run whose report is current does not wait for them.
    from flows.stages.content import report_content
    from kdm.report.page import render_report

    run.begin(folder, "a report")
    page = render_report(
        report_content(run, judged, evaluated), meanings_of(run.recipe.evaluation.metrics)
    )
    write_page(folder, "report.html", page)
    _record_events(run, evaluated)
    write_overview(run.home, (run,))
    document = _document(run, identity, evaluated)
    # Last: it says that all of the above is done.
    folder.replace("metrics.json", seal(document))
    return replace(result, state="done", facts=document)


@contextmanager
def refreshing(home: Folder, *, say: Callable[[str], None], waits: bool) -> Iterator[None]:
    """Be the one process that refreshes a home; wait for another, or leave it to that by a `HeldError`."""
    what = f"eval-report of {home.url}"
    with claimed(home / "reports", what, is_there=lambda: False, say=say, waits=waits):
        yield


def refresh_home(
    home: Folder,
    report: Reporter = silent,
    *,
    warn: Callable[[str], None] = unsaid,
    say: Callable[[str], None] = unsaid,
) -> list[StageResult]:
    """Evaluate every student at a home without a current report, and rewrite the overview.

    Nothing is trained and no teacher is asked: it goes by what finished runs remembered. A run whose
    samples its metrics cannot measure is left out with a warning.
    """
    known_here = list(known_runs(home, report))
    if not known_here:
        return []  # an empty folder, perhaps of a mistyped name, stays empty
    measurable = [known for known in known_here if _is_measurable(known.run, warn)]
    results = [
        eval_report(replace(known.run, say=say), known.judged, known.students)
        for known in measurable
    ]
    write_overview(home, [known.run for known in measurable])
    return results


def _is_measurable(run: Run, warn: Callable[[str], None]) -> bool:
    try:
        run.recipe.require_measurable()
    except ValueError as error:
        warn(f"recipe '{run.recipe.name}' is left out of the reports: {error}")
        return False
    return True


def report_identity(run: Run, evaluated: Sequence[StageResult]) -> str:
    """The digest of all that the report's numbers depend on."""
    return digest_of(
        {
            "version": VERSION,
            "recipe": run.recipe.digest(),
            "students": [student.digest for student in evaluated],
        }
    )


def write_overview(home: Folder, runs: Sequence[Run]) -> None:
    """Rewrite reports/overview.html from the history of evaluations."""
    from kdm.report.overview import render_overview

    meanings = meanings_of(
        {each.plugin: each for run in runs for each in run.recipe.evaluation.metrics}.values()
    )
    page = render_overview(
        read_events(home), meanings, made_at=datetime.now(UTC).isoformat(timespec="seconds")
    )
    write_page(home / "reports", "overview.html", page)


def read_events(home: Folder) -> list[EvaluationEvent]:
    """Every evaluation that the home has seen, by time."""
    history = home / "reports" / "history"
    names = filter(_EVENT.fullmatch, history.names())  # a copy or a note is no event
    documents = [unseal(history.read(name), f"{history.url}/{name}") for name in names]
    events = [
        EvaluationEvent(
            when=document["created_at"],
            student=document["student"],
            digest=document["student_digest"],
            pairs=document["pairs"],
            values=document["values"],
            report=document["report"],
        )
        for document in documents
    ]
    return sorted(events, key=lambda event: (event.when, event.student))


def _document(run: Run, identity: str, evaluated: Sequence[StageResult]) -> dict[str, Any]:
    names = [student.facts["student"] for student in evaluated]
    return {
        "identity": identity,
        "recipe": run.recipe.name,
        "recipe_digest": run.recipe.digest(),
        "floor": dict(evaluated[0].facts["floor"]),
        "students": {
            name: _measured(student) for name, student in zip(names, evaluated, strict=True)
        },
        **_seeds(run, evaluated),
    }


def _measured(student: StageResult) -> dict[str, Any]:
    document = {"digest": student.facts["student_digest"], "values": student.facts["values"]}
    return document | {key: student.facts[key] for key in ("intervals",) if key in student.facts}


def _seeds(run: Run, evaluated: Sequence[StageResult]) -> dict[str, Any]:
    """The rows of students that differ in their seeds alone, where there are any."""
    facts = [student.facts for student in evaluated]
    rows = by_seeds([entry(each, settings_of(run, each["student"])) for each in facts])
    found = {
        row.name: {"values": dict(row.values), "intervals": dict(row.intervals), "of": row.note}
        for row in rows
        if row.note
    }
    return {"seeds": found} if found else {}


def _record_events(run: Run, evaluated: Sequence[StageResult]) -> None:
    """One document an evaluation; the same evaluation is one event, however often it is reported."""
    history = run.home / "reports" / "history"
    for student in evaluated:
        event: Mapping[str, Any] = {
            "student": student.facts["student"],
            "student_digest": student.facts["student_digest"],
            "evaluation": student.digest,
            "pairs": student.facts["pairs"],
            "values": student.facts["values"],
            "report": f"{run.report_folder().name}/report.html",
        }
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        history.create(f"{student.digest}.json", seal({**event, "created_at": created_at}))
