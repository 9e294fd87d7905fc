"""Numbers as a reader wants them: percent with standard errors, powers of ten, the best one marked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdm.evaluate.metric import Meaning

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Cell:
    """A printed number; `note` is small print beside it."""

    text: str
    note: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class Row:
    """A row of the table of numbers: the teacher's, or one student's."""

    name: str
    cells: tuple[Cell, ...]
    is_teacher: bool = False


@dataclass(frozen=True)
class Column:
    """A head of that table."""

    label: str
    direction: str  # 'higher' or 'lower'
    explanation: str

    @property
    def arrow(self) -> str:
        """The direction, drawn."""
        return "↑" if self.direction == "higher" else "↓"


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
    students: Sequence[tuple[str, Mapping[str, float]]],
    floor: Mapping[str, float],
    *,
    meanings: Mapping[str, Meaning],
    counts: SampleCounts,
) -> tuple[Row, ...]:
    """The teacher's row first, then one a student, the best student of each column marked."""
    teacher = [_cell(floor.get(name), meaning, counts) for name, meaning in meanings.items()]
    table = [Row("teacher", tuple(teacher), is_teacher=True)]
    best = {
        name: best_value(
            [values.get(name) for _, values in students], floor=floor.get(name), meaning=meaning
        )
        for name, meaning in meanings.items()
    }
    for student, values in students:
        cells = [
            _cell(values.get(name), meaning, counts, best=best[name])
            for name, meaning in meanings.items()
        ]
        table.append(Row(student, tuple(cells)))
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


def _cell(
    value: float | None, meaning: Meaning, counts: SampleCounts, *, best: float | None = None
) -> Cell:
    if value is None:
        return Cell("–", "not measured")
    is_higher = meaning.better == "higher"
    is_best = best is not None and (value >= best if is_higher else value <= best)
    if not meaning.is_fraction:
        return Cell(number(value), is_best=is_best)
    text, note = percent(value, counts.behind(meaning))
    return Cell(text, note, is_best)
