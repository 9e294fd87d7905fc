"""Numbers as a reader wants them: percent with standard errors, intervals, the best one marked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from kdm.evaluate.metric import Meaning
from kdm.report.content import Numbers

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Cell:
    """A printed number; `note` is small print beside it."""

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
    """Neighbouring columns that were measured on the same samples."""

    words: str
    width: int  # columns


@dataclass(frozen=True)
class SampleCounts:
    """How many samples stand behind a number."""

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

    The best is marked in each column, with those whose interval reaches the best one's.
    """
    table = [Row(each.name, _cells(each, meanings, counts), True, each.note) for each in references]
    floor = references[0].values
    reaches = {
        name: _reach(students, name, floor=floor.get(name), meaning=meaning)
        for name, meaning in meanings.items()
    }
    table += [
        Row(each.name, _cells(each, meanings, counts, reaches), note=each.note) for each in students
    ]
    return tuple(table)


def best_value(
    values: Sequence[float | None], *, floor: float | None, meaning: Meaning
) -> float | None:
    """From which value on a student counts as best; None where none is to be marked.

    Students at or beyond the teacher's own number are equals: beyond it lies chance.
    """
    present = [value for value in values if value is not None]
    if not meaning.is_ranked or len(present) < 2:
        return None
    if meaning.better == "higher":
        return min([max(present), *([] if floor is None else [floor])])
    return max([min(present), *([] if floor is None else [floor])])


def number(value: float) -> str:
    """Three significant digits; a power of ten below a hundredth or from 10⁹ on."""
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
    """'96.57%' and its binomial standard error '± 0.26'."""
    error = math.sqrt(max(value * (1 - value), 0.0) / num_samples)
    return f"{100 * value:.2f}%", f"± {100 * error:.2f}" if error else ""


def counted(reasons: Mapping[str, int]) -> str:
    """'near_copy 512, nan 3', most first; 'none' where nothing was dropped."""
    ordered = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return ", ".join(f"{reason} {count:,}" for reason, count in ordered if count) or "none"


def _cells(
    row: Numbers,
    meanings: Mapping[str, Meaning],
    counts: SampleCounts,
    reaches: Mapping[str, float | None] = MappingProxyType({}),
) -> tuple[Cell, ...]:
    cells = []
    for name, meaning in meanings.items():
        is_best = _is_best(row, name, meaning, reaches.get(name))
        cells.append(Cell(*printed(row, name, meaning, counts), is_best))
    return tuple(cells)


def printed(row: Numbers, name: str, meaning: Meaning, counts: SampleCounts) -> tuple[str, str]:
    """A number of a row, and its interval, or a fraction's standard error."""
    value, interval = row.values.get(name), row.intervals.get(name)
    if value is None:
        return "–", row.absent
    text, error = number(value), ""
    if meaning.is_fraction:
        text, error = percent(value, counts.behind(meaning))
    if interval is None:
        return text, error
    low, high = (f"{100 * end:.2f}" if meaning.is_fraction else number(end) for end in interval)
    return text, f"{low} … {high}" if low != high else ""


def _reach(
    students: Sequence[Numbers], name: str, *, floor: float | None, meaning: Meaning
) -> float | None:
    """The worse end of the intervals of those that are best; None where none is to be marked."""
    best = best_value([each.values.get(name) for each in students], floor=floor, meaning=meaning)
    if best is None:
        return None
    intervals = [
        _interval(each, name)
        for each in students
        if name in each.values and _is_at(each.values[name], best, meaning)
    ]
    if meaning.better == "higher":
        return min([best, *(low for low, _ in intervals)])
    return max([best, *(high for _, high in intervals)])


def _is_best(row: Numbers, name: str, meaning: Meaning, reach: float | None) -> bool:
    if reach is None or name not in row.values:
        return False
    low, high = _interval(row, name)
    return _is_at(high if meaning.better == "higher" else low, reach, meaning)


def _is_at(value: float, best: float, meaning: Meaning) -> bool:
    return value >= best if meaning.better == "higher" else value <= best


def _interval(row: Numbers, name: str) -> tuple[float, float]:
    low, high = row.intervals.get(name, (row.values[name], row.values[name]))
    return low, high
