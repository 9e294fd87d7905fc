"""The rows of a leaderboard: a student each, or the seeds of one, and their teacher."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from flows.documents.number_columns import Columns
from flows.documents.numbers import entry
from flows.documents.student_costs import Counts, cost_of
from flows.documents.teacher_cost import teacher_cost
from flows.documents.trained_on import Trained
from kdm.report.content import Numbers, StudentEntry
from kdm.report.leaderboard import Cost, Standing
from kdm.report.seeds import by_seeds
from storage.folders import Folder


def standings_of(measured: Sequence[Trained], columns: Columns, counts: Counts) -> list[Standing]:
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
    finished = {each.name: each.finished for each in measured}
    return [
        Standing(
            row,
            _mean([costs[name] for name in row.of]),
            tuple(digests[name] for name in row.of),
            ", ".join(filter(None, (row.note, finished[row.of[0]]))),
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


def teacher_standing(
    measured: Sequence[Trained], columns: Columns, pairs: Folder
) -> Standing | None:
    """What the teacher scores in the student's place, in every column."""
    if not measured:
        return None
    values: dict[str, float] = {}
    intervals: dict[str, Any] = {}
    for student, names in zip(measured, columns.names, strict=True):
        found = student.metrics["floor"]
        ranges = student.metrics.get("floor_intervals", {})
        for number in (each for each in names if each in found):
            values.setdefault(names[number], found[number])
            if ranges.get(number) is not None:
                intervals.setdefault(names[number], ranges[number])
    numbers = Numbers("teacher", values, intervals, absent="")
    return Standing(numbers, teacher_cost(pairs), ())
