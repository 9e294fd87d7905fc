"""One number of several students over successive evaluations, for the overview of a home."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kdm.analyze.line_chart import Line, line_chart
from kdm.analyze.picture import LINE_COLOURS, MARKERS, line_style, picture

MOST_TRENDS = 24  # more lines than that tell a reader nothing


@dataclass(frozen=True)
class Trend:
    """One training's values and the places of their evaluations in the history, both in time order.

    Places are counted over all evaluations of the home, so lines of different students share an axis.
    """

    student: str
    places: Sequence[int]
    values: Sequence[float]


@picture
def trend_picture(trends: Sequence[Trend], label: str, *, is_fraction: bool) -> Figure:
    """One line a student, by the order of evaluations (the table beside it has the times).

    Fractions are shown in percent. Beyond `MOST_TRENDS` lines nobody can follow one, so callers leave out
    the oldest.
    """
    lines = [
        Line(
            trend.student,
            trend.places,
            trend.values,
            {**line_style(place), "marker": _marker(place)},
        )
        for place, trend in enumerate(trends)
    ]
    figure, axes = line_chart(label, lines, along="evaluation, oldest first", height=2.5)
    axes.set_xlim(0.5, max(place for trend in trends for place in trend.places) + 0.5)
    if is_fraction:
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    return figure


def _marker(line: int) -> str:
    """Lines whose colours repeat have other markers."""
    return MARKERS[line // len(LINE_COLOURS) % len(MARKERS)]
