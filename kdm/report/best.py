"""The best students of a column: the best number's, and those that can't be told apart from it.

A table that marks the smallest number alone claims a difference that chance may have made. So a
student is marked too if the 95 % interval of its difference from the best contains 0
(`differences`). Numbers at the teacher's own value or beyond it count as equal: no student need do
better than its teacher.
"""

from collections.abc import Mapping, Sequence

from kdm.metrics.metric import Meaning
from kdm.report.content import Numbers
from kdm.report.differences import are_comparable, badness, difference, own_interval


def best_rows(
    students: Sequence[Numbers],
    name: str,
    *,
    floor: float | None,
    meaning: Meaning,
    num_samples: int,
) -> frozenset[int]:
    """The places of the students to be marked in the column `name`.

    None of a single student, nor in a column that isn't ranked. `floor` is the teacher's own number,
    `num_samples` how many samples are behind each number.
    """
    there = {place: row for place, row in enumerate(students) if name in row.values}
    if not meaning.is_ranked or len(there) < 2:
        return frozenset()
    how_bad = {place: badness(row.values[name], meaning) for place, row in there.items()}
    least, floors = min(how_bad.values()), [] if floor is None else [badness(floor, meaning)]
    # Students at the teacher's own number or beyond are equals: beyond it is chance.
    best = max([least, *floors])
    leading = {place for place, bad in how_bad.items() if bad <= best}
    rows, is_paired = [there[place] for place in leading], are_comparable(students, name, meaning)

    def is_equal(row: Numbers) -> bool:
        """Whether a row can't be told apart from the best ones."""
        own = own_interval(row, name, meaning)
        if best > least and own.holds(best):
            return True
        if not is_paired:
            return any(own.meets(own_interval(each, name, meaning)) for each in rows)
        found = [
            difference(row, each, name, meaning=meaning, num_samples=num_samples) for each in rows
        ]
        return any(each.holds(0.0) for each in found)

    return frozenset(place for place, row in there.items() if place in leading or is_equal(row))


def how_marked(students: Sequence[Numbers], meanings: Mapping[str, Meaning]) -> str:
    """What the marks rest on, in words for below the table; '' if no two students are compared.

    Columns whose students weren't measured on the same noise are named, because there a mark says less.
    """
    ranked = {
        name: meaning
        for name, meaning in meanings.items()
        if meaning.is_ranked and sum(name in row.values for row in students) > 1
    }
    apart = [
        meaning.label
        for name, meaning in ranked.items()
        if not are_comparable(students, name, meaning)
    ]
    sentences = []
    if len(apart) < len(ranked):
        seeds = ", with the spread over seeds if a row has several" if _has_seeds(students) else ""
        sentences.append(
            "A student is marked with the best one if the 95% interval of their difference "
            f"contains 0 (paired bootstrap over the same noise{seeds})."
        )
    if apart:
        sentences.append(
            f"These columns were not resampled over the same noise: {', '.join(apart)}. There, separate "
            "intervals that overlap count as equal, and without intervals only the best number is "
            "marked."
        )
    return " ".join(sentences)


def _has_seeds(students: Sequence[Numbers]) -> bool:
    """Whether any row is the mean of several seeds."""
    return any(row.by_seed for row in students)
