"""One number of several students over successive evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kdm.analyze.lettering import legend_below, legend_label, legend_shape
from kdm.analyze.picture import (
    LINE_COLOURS,
    MARKERS,
    headline,
    line_style,
    new_figure,
    picture,
)

_WIDTH = 5.6  # inches
MOST_TRENDS = 24  # more lines than that tell a reader nothing


@dataclass(frozen=True)
class Trend:
    """One training's values and the places of their evaluations in the history, both in time order."""

    student: str
    places: Sequence[int]
    values: Sequence[float]


@picture
def trend_picture(trends: Sequence[Trend], label: str, *, is_fraction: bool) -> Figure:
    """One line a student, by the order of evaluations (the table beside it has the times)."""
    labels = [legend_label(trend.student, _WIDTH) for trend in trends]
    _, legend_height = legend_shape(labels, _WIDTH)
    figure = new_figure(_WIDTH, 2.5 + legend_height)
    headline(figure, label)
    axes = figure.subplots()
    for line, trend in enumerate(trends):
        axes.plot(
            trend.places,
            trend.values,
            label=labels[line],
            marker=MARKERS[line // len(LINE_COLOURS) % len(MARKERS)],
            markersize=4,
            **line_style(line),
        )
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_xlabel("evaluation, oldest first")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, max(place for trend in trends for place in trend.places) + 0.5)
    if is_fraction:
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    legend_below(figure, labels)
    return figure
