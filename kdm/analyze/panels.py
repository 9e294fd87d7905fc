"""A panel for each of several things under one headline, at most three in a row."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdm.analyze.picture import headline, new_figure

_IN_A_ROW = 3
_HEADLINE = 0.3  # inches


def panels(
    title: str, num: int, *, width: float = 2.5, height: float = 2.75
) -> tuple[Figure, list[Axes]]:
    """A figure under its headline, and the axes of `num` panels of this size in inches, row by row."""
    columns = min(_IN_A_ROW, num)
    rows = -(-num // columns)
    figure = new_figure(width * columns, height * rows + _HEADLINE)
    headline(figure, title)
    every = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in every[num:]:
        axes.remove()
    return figure, every[:num]
