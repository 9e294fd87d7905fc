"""What became worse from one training of a recipe's student to the next, beyond what chance makes of it.

A schedule trains and measures again, with newer pairs or newer code, under the same names. Of each name the
newest evaluation is held against the last one of other weights. Both mostly had the same noise: then the
interval of the difference decides (`kdm.report.differences`), else two separate intervals that don't meet. A
number without any interval is never called worse, and neither is one that was measured by another protocol,
which is another column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kdm.metrics.metric import Meaning
from kdm.report.content import EvaluationEvent, Numbers
from kdm.report.differences import Interval, are_comparable, difference, own_interval
from kdm.report.tables import number


@dataclass(frozen=True)
class Change:
    """One number of one student."""

    recipe: str
    student: str
    name: str  # of the number's column
    label: str
    before: str  # printed
    after: str
    worse_by: Interval  # at 95 %
    is_fraction: bool
    since: str  # ISO 8601: when the better number was measured
    digest_before: str
    digest_after: str

    @property
    def sentence(self) -> str:
        """All of it for a reader."""
        low, high = (
            f"{100 * end:.2f}" if self.is_fraction else number(end) for end in self.worse_by
        )
        return (
            f"{self.student} of {self.recipe} became worse: {self.label} was {self.before} on "
            f"{self.since[:10]} and is {self.after} (worse by {low} to {high}"
            f"{' points' if self.is_fraction else ''}, 95% interval)"
        )

    def document(self) -> dict[str, Any]:
        """As JSON: all fields, and the sentence."""
        return {**asdict(self), "worse_by": list(self.worse_by), "sentence": self.sentence}


def became_worse(
    events: Sequence[EvaluationEvent], meanings: Mapping[str, Meaning]
) -> tuple[Change, ...]:
    """The changes for the worse at each student's newest evaluation, by recipe, student and column.

    `events` are in the order of time; `meanings` are by column.
    """
    found = []
    for before, after in _last_two(events):
        for name, meaning in meanings.items():
            worse_by = _worse_by(before, after, name, meaning)
            if worse_by is not None and worse_by.low > 0:
                found.append(_change(before, after, name, meaning, worse_by))
    return tuple(found)


def _last_two(
    events: Sequence[EvaluationEvent],
) -> list[tuple[EvaluationEvent, EvaluationEvent]]:
    """Of each student the last evaluation of earlier weights, and the newest of all."""
    of_name: dict[tuple[str, str], list[EvaluationEvent]] = {}
    for event in events:
        of_name.setdefault((event.recipe, event.student), []).append(event)
    pairs = []
    for _, own in sorted(of_name.items()):
        earlier = [each for each in own if each.digest != own[-1].digest]
        if earlier:
            pairs.append((earlier[-1], own[-1]))
    return pairs


def _worse_by(
    before: EvaluationEvent, after: EvaluationEvent, name: str, meaning: Meaning
) -> Interval | None:
    """How much worse, in the number's own unit; None where that can't be said."""
    rows = [_row(each) for each in (before, after)]
    if any(name not in row.values for row in rows):
        return None
    if are_comparable(rows, name, meaning):
        behind = after.num_samples.get(meaning.measured_on, 1)
        return difference(rows[1], rows[0], name, meaning=meaning, num_samples=behind)
    if any(not (row.intervals.get(name) or row.deviations.get(name)) for row in rows):
        return None
    earlier, later = (own_interval(row, name, meaning) for row in rows)
    return Interval(later.low - earlier.high, later.high - earlier.low)


def _row(event: EvaluationEvent) -> Numbers:
    return Numbers(
        event.student,
        event.values,
        event.intervals,
        deviations=event.deviations,
        drawn_on=event.drawn_on,
    )


def _change(
    before: EvaluationEvent,
    after: EvaluationEvent,
    name: str,
    meaning: Meaning,
    worse_by: Interval,
) -> Change:
    was, is_now = (
        f"{100 * each.values[name]:.2f}%" if meaning.is_fraction else number(each.values[name])
        for each in (before, after)
    )
    return Change(
        recipe=after.recipe,
        student=after.student,
        name=name,
        label=meaning.label,
        before=was,
        after=is_now,
        worse_by=worse_by,
        is_fraction=meaning.is_fraction,
        since=before.when,
        digest_before=before.digest,
        digest_after=after.digest,
    )
