"""Students that differ in nothing but their seed are one row: their mean, and how sure it is.

One training tells little of a method: the next seed may give another number. So k trainings with equal
settings are shown as mean ± t_{k−1} s / √k, with s the standard deviation over seeds. A student with the
settings and the seed of another one is that one again under another name: it says nothing about seeds.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np

from kdm.metrics.over_seeds import over_seeds
from kdm.report.content import Numbers, StudentEntry
from storage.digest import digest_of


def by_seeds(students: Sequence[StudentEntry], *, taken: Collection[str] = ()) -> list[Numbers]:
    """A row for each student, or for all that were trained with the same settings but training.seed.

    Such a row has the mean of each number and its 95 % interval over seeds (Student's t). A number that
    one of the seeds lacks is left out. If two students also have one seed, the later one has a row of its
    own, which names the other. `taken` are names that no row of several may take, beside the students'.
    """
    firsts: dict[str, StudentEntry] = {}
    for student in students:
        firsts.setdefault(digest_of(student.settings), student)
    alike: dict[str, list[StudentEntry]] = {}
    for student in firsts.values():
        alike.setdefault(digest_of(_without_seed(student.settings)), []).append(student)
    names = {student.name for student in students} | set(taken)
    groups = [[each.name for each in group] for group in alike.values()]
    stems = Counter(_stem(group) for group in groups if len(group) > 1)
    names |= {stem for stem, count in stems.items() if count > 1}  # which would name several rows
    rows = [_row(group, names - {each.name for each in group}) for group in alike.values()]
    originals = [(each, firsts[digest_of(each.settings)]) for each in students]
    return rows + [_copy(each, first) for each, first in originals if each is not first]


def _copy(student: StudentEntry, original: StudentEntry) -> Numbers:
    note = f"same settings and seed as {original.name}"
    return replace(_row([student], set()), note=note)


def _without_seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by which students are grouped."""
    training = {key: value for key, value in settings.get("training", {}).items() if key != "seed"}
    return {**settings, "training": training}


def _row(alike: Sequence[StudentEntry], others: set[str]) -> Numbers:
    """One row for students that are alike; `others` are names that it must not take."""
    if len(alike) == 1:
        (student,) = alike
        return Numbers(
            student.name,
            student.values,
            student.intervals,
            deviations=student.deviations,
            drawn_on=student.drawn_on,
            of=(student.name,),
        )
    names = [name for name in alike[0].values if all(name in each.values for each in alike)]
    found = {name: over_seeds([each.values[name] for each in alike]) for name in names}
    return Numbers(
        _common_name([each.name for each in alike], others),
        {name: value for name, (value, _) in found.items()},
        {name: interval for name, (_, interval) in found.items()},
        note=f"mean of {len(alike)} seeds",
        deviations=_mean_deviations(alike, names),
        drawn_on=dict(set.intersection(*(set(each.drawn_on.items()) for each in alike))),
        by_seed={name: [each.values[name] for each in alike] for name in names},
        of=tuple(each.name for each in alike),
    )


def _mean_deviations(
    alike: Sequence[StudentEntry], names: Sequence[str]
) -> dict[str, Sequence[float]]:
    """The mean over seeds of what each resample does, if every seed has as many.

    Whether the seeds share their noise is for `drawn_on` to say.
    """
    found = {name: [each.deviations.get(name, ()) for each in alike] for name in names}
    return {
        name: np.mean(rows, axis=0).tolist()
        for name, rows in found.items()
        if len({len(each) for each in rows}) == 1
    }


def _common_name(names: Sequence[str], others: set[str]) -> str:
    """'kdm' of kdm-0, kdm-1, kdm-2, unless another student or row has that name.

    If names share nothing, it is the first one and how many more there are.
    """
    stem = _stem(names)
    return stem if stem and stem not in others else f"{names[0]} and {len(names) - 1} more"


def _stem(names: Sequence[str]) -> str:
    """'kdm' of kdm-0, kdm-1, kdm-2."""
    first, last = min(names), max(names)  # what these share, all share
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in shared).rstrip("-")
