"""From the students of one set to its leaderboard (kdm/report/leaderboard.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from flows.documents.number_columns import Columns, columns_of
from flows.documents.numbers import entry
from flows.documents.remembered_runs import known_runs
from flows.documents.reproduction import reproduction
from flows.documents.student_costs import Counts, cost_of, teacher_cost
from flows.documents.trained_on import Trained, trained_on
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.report.content import Numbers, StudentEntry
from kdm.report.leaderboard import Cost, Leaderboard, Standing
from kdm.report.seeds import by_seeds
from storage.did_you_mean import nearest
from storage.folders import Folder
from storage.options import parse

# What rows are ordered by unless the user says it: the first of these that most students have.
QUALITY = ("fid", "fid_infinity", "kid", "frechet_over_teachers", "in_cells_fresh", "sw1_fresh")


def leaderboard(home: Folder, pairs: Folder, by: str, counts: Counts) -> Leaderboard:
    """All students of the home that were trained on these pairs; nothing is measured or trained.

    Raises a ValueError if there are none, or if no student has the number `by`.
    """
    students, faults = trained_on(home, pairs.name)
    if not students:
        raise ValueError(
            f"{home.url} has no student of {pairs.name}; 'kdm distill RECIPE' trains one, and "
            "'kdm ls' lists what there is"
        )
    measured, unread = _readable([each for each in students if each.is_measured])
    columns = columns_of([each.metrics for each in measured])
    return Leaderboard(
        pairs=pairs.name,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        standings=tuple(_standings(measured, columns, counts)),
        teacher=_teacher(measured, columns, pairs),
        meanings=columns.meanings,
        counts=columns.counts,
        by=_chosen(by, columns),
        unmeasured=tuple(_unmeasured(home, [each for each in students if not each.is_measured])),
        notes=(*columns.notes, *faults, *unread, *_machines(measured)),
    )


def _readable(measured: Sequence[Trained]) -> tuple[list[Trained], list[str]]:
    """Those whose metrics this installation knows, and a sentence for each other one."""
    known, unread = [], []
    for student in measured:
        try:
            parse(EvaluationOptions, student.metrics["options"], "its evaluation")
        except ValueError as error:
            unread.append(f"{student.name} is left out: {error}.")
        else:
            known.append(student)
    return known, unread


def _standings(measured: Sequence[Trained], columns: Columns, counts: Counts) -> list[Standing]:
    """A row for each student, or for the seeds of one; a copy of a student has a row of its own."""
    entries = [
        _entry(student, names) for student, names in zip(measured, columns.names, strict=True)
    ]
    costs = {each.name: cost_of(each, counts) for each in measured}
    copies = _copies(measured)
    firsts = [each for each in entries if each.name not in copies]
    rows = by_seeds(firsts, taken=copies)
    for copy in (each for each in entries if each.name in copies):
        (row,) = by_seeds([copy])
        rows.append(replace(row, note=f"same weights as {copies[copy.name]}"))
    digests = {each.name: each.digest for each in entries}
    return [
        Standing(
            row,
            _mean([costs[name] for name in row.of]),
            tuple(digests[name] for name in row.of),
            row.note,
        )
        for row in rows
    ]


def _entry(student: Trained, names: Mapping[str, str]) -> StudentEntry:
    found = entry(student.metrics, student.settings)

    def named(each: Mapping[str, Any]) -> dict[str, Any]:
        return {names[number]: value for number, value in each.items() if number in names}

    return StudentEntry(
        name=student.name,
        digest=found.digest,
        values=named(found.values),
        num_trainable_parameters=found.num_trainable_parameters,
        num_inference_parameters=found.num_inference_parameters,
        # Seeds that were measured in different ways are no row together.
        settings={**found.settings, "columns": sorted(names.values())},
        intervals=named(found.intervals),
        deviations=named(found.deviations),
        drawn_on=found.drawn_on,
    )


def _copies(measured: Sequence[Trained]) -> dict[str, str]:
    """The students whose weights another one has too, with that one's name: the shortest."""
    firsts: dict[str, str] = {}
    found = {}
    for student in sorted(measured, key=lambda each: (len(each.name), each.name)):
        weights = student.config["weights"]["sha256"]
        if weights in firsts:
            found[student.name] = firsts[weights]
        firsts.setdefault(weights, student.name)
    return found


def _mean(costs: Sequence[Cost]) -> Cost:
    """Seeds cost as many FLOPs; their seconds are averaged."""
    first = costs[0]
    return Cost(
        num_parameters=first.num_parameters,
        training_flops=first.training_flops,
        training_seconds=_average([each.training_seconds for each in costs]),
        is_gpu=first.is_gpu,
        sample_flops=first.sample_flops,
        sample_milliseconds=_average([each.sample_milliseconds for each in costs]),
        machine=first.machine,
        uncounted=first.uncounted,
    )


def _average(values: Sequence[float | None]) -> float | None:
    there = [each for each in values if each is not None]
    return float(np.mean(there)) if there else None


def _teacher(measured: Sequence[Trained], columns: Columns, pairs: Folder) -> Standing | None:
    """What the teacher scores in the student's place, in every column."""
    if not measured:
        return None
    values: dict[str, float] = {}
    intervals: dict[str, Any] = {}
    for student, names in zip(measured, columns.names, strict=True):
        for number, name in names.items():
            if number in student.metrics["floor"]:
                values.setdefault(name, student.metrics["floor"][number])
                interval = student.metrics.get("floor_intervals", {}).get(number)
                if interval is not None:
                    intervals.setdefault(name, interval)
    numbers = Numbers("teacher", values, intervals, absent="")
    return Standing(numbers, teacher_cost(pairs), ())


def _chosen(by: str, columns: Columns) -> str:
    """The column to order by: the one that was named, else the usual one."""
    names = list(columns.meanings)
    if by:
        own = [name for name in names if name == by or name.partition("@")[0] == by]
        if not own:
            raise ValueError(f"no student of this set has the number '{by}'; {nearest(by, names)}")
        return _most(own, columns)
    for number in QUALITY:
        own = [name for name in names if name.partition("@")[0] == number]
        if own:
            return _most(own, columns)
    fresh = [name for name in names if columns.meanings[name].measured_on == "fresh"]
    return next(iter((*fresh, *names)), "")


def _most(names: Sequence[str], columns: Columns) -> str:
    """Of several columns the one that most students have."""
    return max(names, key=lambda name: sum(name in each.values() for each in columns.names))


def _unmeasured(home: Folder, students: Sequence[Trained]) -> list[tuple[str, str]]:
    """Each with the command that measures it."""
    if not students:
        return []
    commands: dict[str, str] = {}
    for known in known_runs(home):
        for result in known.students:
            name = result.facts["student"]
            line = reproduction(known.run, [name], command="evaluate").line
            commands.setdefault(result.place.name, line)
    usual = "no run of this home knows it; 'kdm evaluate RECIPE' measures the students of a recipe"
    return [(each.name, commands.get(each.folder.name, usual)) for each in students]


def _machines(measured: Sequence[Trained]) -> list[str]:
    machines = {
        each.timings["sampling"]["machine"] for each in measured if "sampling" in each.timings
    }
    if len(machines) < 2:
        return []
    return [
        f"Milliseconds a sample are of {len(machines)} machines, which don't compare: "
        f"{'; '.join(sorted(machines))}."
    ]
