"""The leaderboard of one set: every student trained on it, its quality beside what it cost.

Two students are told apart as in the report (`kdm.report.best`): by a paired bootstrap over the same noise,
and by the spread over seeds where a row has several. Numbers that were measured in different ways stand
in different columns. Nobody is named the winner by a difference that chance explains: whoever can't be
told apart from a row is listed beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kdm.analyze.pareto import Point, pareto_svg
from kdm.metrics.metric import Meaning
from kdm.report.best import best_rows, how_marked
from kdm.report.content import Numbers
from kdm.report.differences import badness, own_interval
from kdm.report.tables import Cell, SampleCounts, columns, number, printed
from kdm.report.template import render

_UNITS = ("", "k", "M", "G", "T", "P", "E", "Z")


@dataclass(frozen=True)
class Cost:
    """What a row cost to train, and what a sample of it costs; None for what isn't known."""

    num_parameters: int | None = None  # that a sample passes through
    training_flops: float | None = None
    training_seconds: float | None = None
    is_gpu: bool = False  # whose seconds they are; else a CPU's, over all threads
    sample_flops: float | None = None
    sample_milliseconds: float | None = None
    machine: str = ""  # where a sample was timed
    uncounted: tuple[str, ...] = ()  # operations that multiply and aren't in the FLOPs


@dataclass(frozen=True)
class Standing:
    """A row: a student, or the mean of several seeds. `numbers` are by column."""

    numbers: Numbers
    cost: Cost
    digests: tuple[str, ...]  # of the students behind it
    note: str = ""  # what sets it apart


@dataclass(frozen=True)
class Leaderboard:
    """All that the page says. Columns are by name, a number of several protocols having several."""

    pairs: str
    made_at: str
    standings: tuple[Standing, ...]
    teacher: Standing | None
    meanings: Mapping[str, Meaning]  # by column
    counts: Mapping[str, SampleCounts]  # by column
    by: str  # the column that rows are ordered by
    unmeasured: tuple[tuple[str, str], ...] = ()  # students, and the command that measures each
    notes: tuple[str, ...] = ()
    apart: Mapping[str, str] = field(default_factory=dict)  # columns of one number: what differs


def ordered(board: Leaderboard) -> tuple[Standing, ...]:
    """The rows, best number of `by` first; rows without it last."""
    if not board.standings:
        return ()
    meaning = board.meanings[board.by]
    there = [each for each in board.standings if board.by in each.numbers.values]
    there.sort(key=lambda each: badness(each.numbers.values[board.by], meaning))
    return (*there, *(each for each in board.standings if each not in there))


def are_told_apart(board: Leaderboard, one: Standing, other: Standing, column: str) -> bool | None:
    """Whether the difference of two rows in a column is more than chance; None if a number is missing."""
    rows = (one.numbers, other.numbers)
    if any(column not in row.values for row in rows):
        return None
    return len(_marked(board, rows, column)) == 1


def equals(board: Leaderboard, row: Standing) -> tuple[str, ...]:
    """The names of the rows that can't be told apart from this one in the column `by`."""
    return tuple(
        other.numbers.name
        for other in ordered(board)
        if other is not row and are_told_apart(board, row, other, board.by) is False
    )


def shown(board: Leaderboard) -> list[str]:
    """The columns: the one that rows are ordered by, then those that most rows have.

    Of these, numbers on the other noise come first: agreement with the teacher beside quality.
    """
    names, side = list(board.meanings), board.meanings[board.by].measured_on

    def place(name: str) -> tuple[bool, int, bool, int]:
        num_rows = sum(name in each.numbers.values for each in board.standings)
        is_of_side = board.meanings[name].measured_on == side
        return name != board.by, -num_rows, is_of_side, names.index(name)

    return sorted(names, key=place)


def cells(board: Leaderboard) -> list[tuple[Standing, tuple[Cell, ...]]]:
    """The rows in order, each with its printed numbers; the best of a column are marked."""
    rows = [each.numbers for each in ordered(board)]
    best = {name: _marked(board, rows, name) for name in board.meanings}
    return [
        (
            standing,
            tuple(
                _cell(board, standing, name, is_best=place in best[name]) for name in shown(board)
            ),
        )
        for place, standing in enumerate(ordered(board))
    ]


def document(board: Leaderboard) -> dict[str, Any]:
    """The same as data, for other programs."""
    return {
        "pairs": board.pairs,
        "by": board.by,
        "columns": {name: meaning.label for name, meaning in board.meanings.items()},
        "rows": [_document(board, each) for each in ordered(board)],
        "teacher": None if board.teacher is None else dict(board.teacher.numbers.values),
        "not_measured": [{"student": name, "command": line} for name, line in board.unmeasured],
        "notes": list(board.notes),
    }


def render_leaderboard(board: Leaderboard) -> str:
    """The page as one string of HTML."""
    meanings = board.meanings
    rows = [each.numbers for each in board.standings]
    fields = {
        "board": board,
        "columns": columns({name: meanings[name] for name in shown(board)}) if meanings else (),
        "rows": [
            (standing, found, costs(standing.cost), equals(board, standing))
            for standing, found in cells(board)
        ],
        "teacher": _teacher_cells(board),
        "pictures": pictures(board),
        "mark_words": how_marked(rows, meanings) if meanings else "",
        "by_label": meanings[board.by].label if meanings else "",
    }
    return render("leaderboard.html.j2", fields)


def costs(cost: Cost) -> tuple[str, ...]:
    """Parameters, training FLOPs and seconds, FLOPs and milliseconds a sample, as text."""
    measured = (
        cost.training_flops,
        cost.training_seconds,
        cost.sample_flops,
        cost.sample_milliseconds,
    )
    parameters = "–" if cost.num_parameters is None else f"{cost.num_parameters:,}"
    return (parameters, *("–" if each is None else number(each) for each in measured))


def flops(count: float) -> str:
    """'66 G', '7.07 E', for an axis."""
    power = 0
    while count >= 999.5 and power < len(_UNITS) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.3g} {_UNITS[power]}".rstrip()


def pictures(board: Leaderboard) -> list[tuple[str, str]]:
    """The column `by` against FLOPs a sample and against FLOPs of training: titles and SVGs."""
    kinds: tuple[tuple[str, str, Callable[[Cost], float | None]], ...] = (
        ("FLOPs a sample", "a sample", lambda cost: cost.sample_flops),
        ("FLOPs of training", "training", lambda cost: cost.training_flops),
    )
    return [
        (title, picture)
        for title, words, cost_of in kinds
        if (picture := _picture(board, title, words, cost_of))
    ]


def _picture(
    board: Leaderboard, title: str, words: str, cost_of: Callable[[Cost], float | None]
) -> str:
    if not board.meanings:
        return ""
    meaning = board.meanings[board.by]
    priced = [
        (each, cost)
        for each in ordered(board)
        if board.by in each.numbers.values and (cost := cost_of(each.cost))
    ]
    if not priced:
        return ""
    points = [
        _point(board, each, cost, is_dominated=_is_dominated(board, each, cost, priced))
        for each, cost in priced
    ]
    teacher = board.teacher
    floor = None if teacher is None else teacher.numbers.values.get(board.by)
    # An error of the teacher against itself is 0, which has no place on a logarithmic axis.
    has_place = floor is not None and (floor > 0 or meaning.better != "lower")
    if teacher is not None and has_place and (cost := cost_of(teacher.cost)):
        points.append(_point(board, teacher, cost, is_reference=True))
    unbeaten = ", ".join(
        each.name for each in points if not each.is_dominated and not each.is_reference
    )
    said = (
        f"{meaning.label} against FLOPs of {words}, {len(priced)} rows. Not beaten by a cheaper one "
        f"beyond chance: {unbeaten}."
    )
    return pareto_svg(
        points,
        along=f"{title}, logarithmic",
        up=f"{meaning.label} ({meaning.better} is better)",
        words=said,
        is_lower_better=meaning.better == "lower",
        printed=lambda value: f"{100 * value:.3g}%" if meaning.is_fraction else number(value),
        cost_printed=flops,
    )


def _is_dominated(
    board: Leaderboard, row: Standing, cost: float, priced: Sequence[tuple[Standing, float]]
) -> bool:
    """Whether a row that costs no more is better by more than chance."""
    meaning = board.meanings[board.by]
    bad = badness(row.numbers.values[board.by], meaning)
    return any(
        other is not row
        and its_cost <= cost
        and badness(other.numbers.values[board.by], meaning) < bad
        and are_told_apart(board, row, other, board.by) is True
        for other, its_cost in priced
    )


def _point(board: Leaderboard, row: Standing, cost: float, **kind: bool) -> Point:
    value = row.numbers.values[board.by]
    interval = row.numbers.intervals.get(board.by)
    if interval is None and not kind.get("is_reference"):
        meaning = board.meanings[board.by]
        own = own_interval(row.numbers, board.by, meaning)
        bad = badness(value, meaning)
        half = max(own.high - bad, bad - own.low)
        interval = (value - half, value + half)
    low, high = interval or (value, value)
    return Point(row.numbers.name, cost, value, low, high, **kind)


def _marked(board: Leaderboard, rows: Sequence[Numbers], column: str) -> frozenset[int]:
    meaning, teacher = board.meanings[column], board.teacher
    return best_rows(
        rows,
        column,
        floor=None if teacher is None else teacher.numbers.values.get(column),
        meaning=meaning,
        num_samples=board.counts[column].behind(meaning),
    )


def _teacher_cells(board: Leaderboard) -> tuple[tuple[Cell, ...], tuple[str, ...]] | None:
    if board.teacher is None:
        return None
    found = tuple(_cell(board, board.teacher, name) for name in shown(board))
    return found, costs(board.teacher.cost)


def _cell(board: Leaderboard, row: Standing, column: str, *, is_best: bool = False) -> Cell:
    text, note = printed(row.numbers, column, board.meanings[column], board.counts[column])
    return Cell(text, "" if text == "–" else note, is_best)


def _document(board: Leaderboard, row: Standing) -> dict[str, Any]:
    cost = row.cost
    return {
        "name": row.numbers.name,
        "students": list(row.digests),
        "note": row.note,
        "values": dict(row.numbers.values),
        "intervals": {name: list(each) for name, each in row.numbers.intervals.items()},
        "not_told_apart_from": list(equals(board, row)),
        "parameters": cost.num_parameters,
        "training_flops": cost.training_flops,
        "training_seconds": cost.training_seconds,
        "seconds_of": "gpu" if cost.is_gpu else "cpu",
        "sample_flops": cost.sample_flops,
        "sample_milliseconds": cost.sample_milliseconds,
        "machine": cost.machine,
        "uncounted": list(cost.uncounted),
    }
