"""One number of several students over successive evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from kdm.analyze.picture import (
    headline,
    legend_below,
    line_style,
    literal,
    new_figure,
    picture,
)


@dataclass(frozen=True)
class Trend:
    """One training's values and the places of their evaluations in the history, both in time order."""

    student: str
    places: Sequence[int]
    values: Sequence[float]


@picture
def trend_picture(trends: Sequence[Trend], label: str, *, is_fraction: bool) -> Figure:
    """One line a student, by the order of evaluations (the table beside it has the times)."""
    figure = new_figure(5.6, 2.6 + 0.09 * len(trends))
    headline(figure, label)
    axes = figure.subplots()
    for line, trend in enumerate(trends):
        axes.plot(
            trend.places,
            trend.values,
            label=literal(trend.student),
            marker="o",
            markersize=4,
            linewidth=1.4,
            **line_style(line),
        )
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_xlabel("evaluation, oldest first")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, max(place for trend in trends for place in trend.places) + 0.5)
    if is_fraction:
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    legend_below(figure, [trend.student for trend in trends])
    return figure
