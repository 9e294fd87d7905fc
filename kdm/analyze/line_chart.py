"""Lines over whole numbers (steps of a training, places in a history), with a legend below them.

The figure grows by the height of the legend, so that names of any length take nothing from the
axes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdm.analyze.lettering import legend_below, legend_label, legend_shape
from kdm.analyze.picture import headline, new_figure

_WIDTH = 5.6  # inches


class Line(NamedTuple):
    """A line by its name: values at whole numbers, and how matplotlib draws them."""

    name: str
    places: Sequence[int]
    values: Sequence[float]
    style: Mapping[str, Any]


def line_chart(
    title: str, lines: Sequence[Line], *, along: str, height: float
) -> tuple[Figure, Axes]:
    """A figure of these lines and its axes; `along` names the axis of places.

    `height` is in inches, without the legend. The scale of values is left to the caller.
    """
    labels = [legend_label(line.name, _WIDTH) for line in lines]
    _, legend_height = legend_shape(labels, _WIDTH)
    figure = new_figure(_WIDTH, height + legend_height)
    headline(figure, title)
    axes = figure.subplots()
    for line, label in zip(lines, labels, strict=True):
        axes.plot(line.places, line.values, label=label, markersize=4, **line.style)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(along)
    legend_below(figure, labels)
    return figure, axes
