"""Numbers as a reader wants them: percent with standard errors, intervals, the best one marked.

A fraction p of n samples is printed as 100 p % ± 100 √(p(1 − p)/n); a number with a 95 % interval as
`value low … high`; any other with three significant digits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdm.metrics.metric import Meaning
from kdm.metrics.over_seeds import within_fractions
from kdm.report.best import best_rows
from kdm.report.content import Numbers

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Cell:
    """A printed number; `note` is small print beside it: '± 0.26', or an interval '0.91 … 1.08'."""

    text: str
    note: str = ""
    is_best: bool = False

    @property
    def line(self) -> str:
        """All of it for a line of plain text."""
        note = f"({self.note})" if "…" in self.note else self.note
        return f"{self.text} {note}".strip()


@dataclass(frozen=True)
class Row:
    """A row of the table of numbers: the teacher's, or one student's."""

    name: str
    cells: tuple[Cell, ...]
    is_teacher: bool = False  # or other samples that students are held against
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A head of that table."""

    label: str
    direction: str  # as `Meaning.better`
    explanation: str

    @property
    def arrow(self) -> str:
        """The direction, drawn."""
        return {"higher": "↑", "lower": "↓"}.get(self.direction, "→\u00a01")


@dataclass(frozen=True)
class Group:
    """Neighbouring columns that were measured on the same samples: on held-out pairs, or on fresh noise."""

    words: str
    width: int  # columns


@dataclass(frozen=True)
class SampleCounts:
    """How many samples are behind a number."""

    heldout: int
    fresh: int

    def behind(self, meaning: Meaning) -> int:
        """The count for one number."""
        return self.heldout if meaning.measured_on == "heldout" else self.fresh


def columns(meanings: Mapping[str, Meaning]) -> tuple[Column, ...]:
    """The heads, in the meanings' order."""
    return tuple(
        Column(meaning.label, meaning.better, meaning.explanation) for meaning in meanings.values()
    )


def by_samples(meanings: Mapping[str, Meaning]) -> dict[str, Meaning]:
    """The same meanings, those on held-out noise first."""
    return dict(sorted(meanings.items(), key=lambda named: named[1].measured_on == "fresh"))


def groups(meanings: Mapping[str, Meaning], counts: SampleCounts) -> tuple[Group, ...]:
    """The heads above the heads, for meanings in the order of `by_samples`."""
    num_heldout = sum(meaning.measured_on == "heldout" for meaning in meanings.values())
    sides = (
        Group(f"on held-out noise, {counts.heldout:,} pairs", num_heldout),
        Group(f"on fresh noise, {counts.fresh:,} samples", len(meanings) - num_heldout),
    )
    return tuple(side for side in sides if side.width)


def rows(
    students: Sequence[Numbers],
    references: Sequence[Numbers],
    *,
    meanings: Mapping[str, Meaning],
    counts: SampleCounts,
) -> tuple[Row, ...]:
    """The references first, of them the teacher first, then a row a student, the best ones marked.

    The best is marked in each column, with those that can't be told apart from it
    (`kdm.report.best`). The teacher is never marked: students are compared with it.
    """
    table = [Row(each.name, _cells(each, meanings, counts), True, each.note) for each in references]
    floor = references[0].values
    best = {
        name: best_rows(
            students,
            name,
            floor=floor.get(name),
            meaning=meaning,
            num_samples=counts.behind(meaning),
        )
        for name, meaning in meanings.items()
    }
    for place, each in enumerate(students):
        marked = frozenset(name for name, places in best.items() if place in places)
        table.append(Row(each.name, _cells(each, meanings, counts, marked), note=each.note))
    return tuple(table)


def number(value: float) -> str:
    """Three significant digits: '0.0123', '12.3', '12,300'; '4.56·10⁻⁵' below a hundredth or from 10⁹ on.

    More digits than the intervals allow would only look exact.
    """
    rounded = float(f"{value:.3g}")
    if rounded == 0:
        return "0"
    if 1000 <= abs(rounded) < 1e9:
        return f"{rounded:,.0f}"
    if 0.01 <= abs(rounded) < 1000:
        return f"{rounded:#.3g}".rstrip(".")
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def percent(value: float, num_samples: int) -> tuple[str, str]:
    """'96.57%' and its binomial standard error '± 0.26', of a share among `num_samples`.

    The error is empty if it is 0, at a share of 0 or 1, because nothing is that sure.
    """
    error = math.sqrt(max(value * (1 - value), 0.0) / num_samples)
    return f"{100 * value:.2f}%", f"± {100 * error:.2f}" if error else ""


def counted(reasons: Mapping[str, int]) -> str:
    """'near_copy 512, nan 3', the most frequent reason first; 'none' if nothing was dropped."""
    ordered = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return ", ".join(f"{reason} {count:,}" for reason, count in ordered if count) or "none"


def _cells(
    row: Numbers,
    meanings: Mapping[str, Meaning],
    counts: SampleCounts,
    marked: frozenset[str] = frozenset(),
) -> tuple[Cell, ...]:
    """The cells of one row, those of the columns in `marked` marked as the best."""
    return tuple(
        Cell(*printed(row, name, meaning, counts), name in marked)
        for name, meaning in meanings.items()
    )


def printed(row: Numbers, name: str, meaning: Meaning, counts: SampleCounts) -> tuple[str, str]:
    """A number of a row as text, and its interval, or a fraction's standard error, as small print.

    A number that wasn't measured is '–' with the row's reason. A fraction's interval ends at 0 and 100 %,
    where Student's t over few seeds knows no such ends.
    """
    value, interval = row.values.get(name), row.intervals.get(name)
    if value is None:
        return "–", row.absent
    text, error = number(value), ""
    if meaning.is_fraction:
        text, error = percent(value, counts.behind(meaning))
    if interval is None:
        return text, error
    if meaning.is_fraction:
        low, high = (f"{100 * end:.2f}" for end in within_fractions(interval))
    else:
        low, high = map(number, interval)
    return text, f"{low} … {high}" if low != high else ""
