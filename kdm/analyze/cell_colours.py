"""Noise coloured by the cell where it lands (arXiv 2505.13358, Fig. 2): is there structure in the noise?

A teacher's map sends each x_T to one of the eight filled squares. Coloured by that square, the noise
falls into eight connected pieces; a student that follows its teacher cuts the noise along the same
borders, one that only learned the distribution cuts it elsewhere.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from kdm.analyze.picture import INK, PALETTE, QUIET, headline, new_figure, picture, plane
from kdm.datasets.checkerboard import CELLS_EACH_WAY, CELLS_PER_UNIT, cell_of, in_cells
from kdm.metrics.samples import Points

OUTSIDE = -1
BOARD = 1.18 * CELLS_EACH_WAY / CELLS_PER_UNIT  # half side of the window on the data, with a margin


def noise_window(x_T: Points) -> float:
    """Half side of the window on noise [n, 2]: four standard deviations hold all but 1 point in 8,000."""
    return 4 * float(x_T.std())


def cell_number(points: Points) -> NDArray[np.int64]:
    """The number, 0 … 7, of the dark square that each point ([n, 2]) lies on; -1 outside."""
    across, up = cell_of(points).T + CELLS_EACH_WAY
    # Each row of four cells has two dark ones, so half the column numbers them.
    number = CELLS_EACH_WAY * up + across // 2
    return np.where(in_cells(points), number, OUTSIDE).astype(np.int64)


@picture
def noise_by_cell(x_T: Points, x_0: Points, *, title: str) -> Figure:
    """x_0 coloured by its cell beside x_T coloured by the cell where x_0 lands; both [n, 2].

    Row i of both is one pair. Grey points land outside every dark square.
    """
    number = cell_number(x_0)
    figure = new_figure(5.6, 3.0)
    headline(figure, title)
    left, right = figure.subplots(1, 2)
    plane(left, BOARD)
    plane(right, noise_window(x_T))
    left.set_title("data $x_0$, by cell")
    right.set_title("noise $x_T$, by the cell it lands in")
    for axes, points in ((left, x_0), (right, x_T)):
        scatter_cells(axes, points, number)
        _letter_cells(axes, points, number)
    return figure


def scatter_cells(
    axes: Axes, points: Points, number: NDArray[np.int64], *, alpha: float = 1.0
) -> None:
    """Dots in their cell's colour, those outside every cell in grey below them."""
    for cell in (OUTSIDE, *range(len(PALETTE))):
        chosen = points[number == cell]
        colour = QUIET if cell == OUTSIDE else PALETTE[cell]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=2.2, color=colour, alpha=alpha, linewidths=0)


def _letter_cells(axes: Axes, points: Points, number: NDArray[np.int64]) -> None:
    """The letter of each cell at the median of its points, for readers who don't see the colours."""
    # Letters say what the colours say, for readers who do not see them.
    for cell in range(len(PALETTE)):
        chosen = points[number == cell]
        if len(chosen):
            across, up = np.median(chosen, axis=0)
            outline = withStroke(linewidth=2.5, foreground="white")
            axes.text(
                across, up, "ABCDEFGH"[cell], ha="center", va="center", fontweight="bold",
                color=INK, path_effects=[outline],
            )  # fmt: skip
