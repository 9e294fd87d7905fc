"""Quality against cost, as an SVG whose colours are those of the page: one point a student.

A student is on the front unless a cheaper one is better. The line is the best value up to a cost; whether a
point off the line is worse than chance explains is for the caller to say (`is_dominated`), and shown by a
hollow point. Bars are 95 % intervals.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 500, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 14, 14, 48
_LETTER, _LINE = 6.8, 13.0  # of a label of 11 pixels: the widest usual letter, and the height
_MOST_LETTERS = 26
_AWAY = (9.0, 20.0, 34.0, 52.0, 74.0)  # from a point to its label
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Point:
    """A student: what it costs and how good it is; `low` and `high` are the ends of its interval."""

    name: str
    cost: float
    value: float
    low: float
    high: float
    is_dominated: bool = False  # told apart from a cheaper one that is better
    is_reference: bool = False  # the teacher: neither on the front nor off it


@dataclass(frozen=True)
class _Axis:
    """Values to pixels, by their logarithm or as they are."""

    first: float
    last: float
    pixels: tuple[float, float]
    is_log: bool

    def at(self, value: float) -> float:
        low, high, here = (self._own(each) for each in (self.first, self.last, value))
        share = (here - low) / (high - low)
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])

    def _own(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.is_log else value


def front(points: Sequence[Point], *, is_lower_better: bool) -> list[Point]:
    """The points than which no cheaper or equally cheap one has a better value, by cost."""
    sign = 1 if is_lower_better else -1
    found: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, sign * each.value)):
        if not point.is_reference and (not found or sign * point.value < sign * found[-1].value):
            found.append(point)
    return found


def pareto_svg(
    points: Sequence[Point],
    *,
    along: str,
    up: str,
    words: str,
    is_lower_better: bool,
    printed: Callable[[float], str],
    cost_printed: Callable[[float], str],
) -> Markup:
    """The picture, for inside a page; `words` say in text what it shows.

    Costs are on a logarithmic axis, and so are values if all are positive and lower is better. A
    bar may then end at the edge.
    """
    is_log = is_lower_better and min(each.value for each in points) > 0
    across = _axis([each.cost for each in points], (_LEFT + 12, _WIDTH - _RIGHT - 12), is_log=True)
    least = min(each.value for each in points) / 2
    ends = [max(end, least) if is_log else end for each in points for end in (each.low, each.high)]
    upwards = _axis(ends, (_HEIGHT - _BOTTOM - 10, _TOP + 10), is_log=is_log)
    best = front(points, is_lower_better=is_lower_better)
    drawn = [
        *_grid(across, upwards, cost_printed, printed),
        *_line(best, across, upwards),
        *(_mark(each, across, upwards) for each in points),
        *_labels(points, _steps(best, across, upwards), across, upwards),
        f'<text class="axis" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" '
        f'text-anchor="middle">{escape(along)}</text>',
        f'<text class="axis" transform="translate(13 {(_HEIGHT - _BOTTOM) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(up)}</text>',
    ]
    head = f'<svg class="pareto" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}">'
    return Markup(head + "\n".join(drawn) + "</svg>")


def _axis(values: Sequence[float], pixels: tuple[float, float], *, is_log: bool) -> _Axis:
    first, last = min(values), max(values)
    if is_log:
        first, last = (first / 1.5, last * 1.5) if last < 1.5 * first else (first, last)
    elif last - first < 1e-9 * max(abs(last), 1e-9):
        first, last = first - 0.5, last + 0.5
    return _Axis(first, last, pixels, is_log)


def _ticks(axis: _Axis) -> list[float]:
    """At most seven round numbers: 1, 2 and 5 times a power of ten, or only powers."""
    low, high = axis.first, axis.last
    if not axis.is_log:
        step = 10.0 ** math.floor(math.log10((high - low) / 2))
        step *= next(times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= 5)
        return [step * each for each in range(math.ceil(low / step), math.floor(high / step) + 1)]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**p for p in powers for d in digits if low <= d * 10.0**p <= high]
        if len(found) <= 6:
            return found or [low, high]
    every = math.ceil(len(found) / 6)
    return found[::every]


def _grid(
    across: _Axis,
    upwards: _Axis,
    cost_printed: Callable[[float], str],
    printed: Callable[[float], str],
) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    lines = []
    for tick in _ticks(upwards):
        y = upwards.at(tick)
        lines.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
        lines.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">'
            f"{escape(printed(tick))}</text>"
        )
    for tick in _ticks(across):
        x = across.at(tick)
        lines.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>')
        lines.append(
            f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">'
            f"{escape(cost_printed(tick))}</text>"
        )
    return lines


def _line(best: Sequence[Point], across: _Axis, upwards: _Axis) -> list[str]:
    """Steps: a value holds until a costlier student has a better one."""
    if len(best) < 2:
        return []
    places = [(across.at(each.cost), upwards.at(each.value)) for each in best]
    path = f"M{places[0][0]:.1f} {places[0][1]:.1f}"
    path += "".join(f"H{x:.1f}V{y:.1f}" for x, y in places[1:])
    return [f'<path class="front" d="{path}"/>']


def _mark(point: Point, across: _Axis, upwards: _Axis) -> str:
    x, y = across.at(point.cost), upwards.at(point.value)
    low, high = (upwards.at(max(each, upwards.first)) for each in (point.low, point.high))
    kind = "teacher" if point.is_reference else "off" if point.is_dominated else "on"
    shape = (
        f'<path class="{kind}" d="M{x - 6:.1f} {y:.1f}L{x:.1f} {y - 6:.1f}L{x + 6:.1f} {y:.1f}'
        f'L{x:.1f} {y + 6:.1f}Z"/>'
        if point.is_reference
        else f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    )
    return (
        f'<g><title>{escape(point.name)}</title><path class="bar" d="M{x:.1f} {low:.1f}V{high:.1f}"/>'
        f"{shape}</g>"
    )


def _steps(best: Sequence[Point], across: _Axis, upwards: _Axis) -> list[Box]:
    """The place that the front's line takes."""
    places = [(across.at(each.cost), upwards.at(each.value)) for each in best]
    boxes = []
    for (x, y), (to_x, to_y) in pairwise(places):
        boxes.append((x, y - 1, to_x, y + 1))
        boxes.append((to_x - 1, min(y, to_y), to_x + 1, max(y, to_y)))
    return boxes


def _labels(
    points: Sequence[Point], lines: Sequence[Box], across: _Axis, upwards: _Axis
) -> list[str]:
    """Each name beside its point where it meets no name, point or line; with a lead if far away."""
    places = [(across.at(each.cost), upwards.at(each.value)) for each in points]
    taken: list[Box] = [*((x - 6, y - 6, x + 6, y + 6) for x, y in places), *lines]
    drawn = []
    for point, (x, y) in zip(points, places, strict=True):
        shown = point.name if len(point.name) <= _MOST_LETTERS else point.name[:24] + "…"
        box = _free(x, y, len(shown) * _LETTER, taken)
        if box is None:
            continue  # the table beside the picture has it
        taken.append(box)
        left, top, right, bottom = box
        far = max(left - x, x - right, top - y, y - bottom)
        if far > 2 * _AWAY[0]:
            near_x, near_y = min(max(x, left), right), min(max(y, top), bottom)
            drawn.append(f'<path class="lead" d="M{x:.1f} {y:.1f}L{near_x:.1f} {near_y:.1f}"/>')
        drawn.append(
            f'<text class="name" x="{left:.1f}" y="{bottom - 3:.1f}">{escape(shown)}</text>'
        )
    return drawn


def _free(x: float, y: float, width: float, taken: Sequence[Box]) -> Box | None:
    for away in _AWAY:
        slanted = 0.7 * away
        for left, middle in (
            (x + away, y),
            (x - away - width, y),
            (x - width / 2, y - away - _LINE / 2),
            (x - width / 2, y + away + _LINE / 2),
            (x + slanted, y - slanted - _LINE / 2),
            (x + slanted, y + slanted + _LINE / 2),
            (x - slanted - width, y - slanted - _LINE / 2),
            (x - slanted - width, y + slanted + _LINE / 2),
        ):
            box = (left, middle - _LINE / 2, left + width, middle + _LINE / 2)
            if _is_inside(box) and not any(_meet(box, each) for each in taken):
                return box
    return None


def _is_inside(box: Box) -> bool:
    left, top, right, bottom = box
    return (
        left >= _LEFT + 2 and right <= _WIDTH - 2 and top >= 2 and bottom <= _HEIGHT - _BOTTOM - 2
    )


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
