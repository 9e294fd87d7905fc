"""Outliers traced back to the noise they came from (arXiv 2505.13358, Figs. 5c and 13, App. E.6).

The paper finds two sources: the tails of the noise, beyond two standard deviations, and the borders
between the pieces of noise that land on different squares, where a small error changes the square.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from kdm.analyze.cell_colours import BOARD, cell_number, noise_window, scatter_cells
from kdm.analyze.picture import INK, QUIET, headline, new_figure, picture, plane
from kdm.metrics.samples import Points

_CROSS = "#9b0034"  # darker than every cell's colour


def outlier_trace_figure(
    x_T: Points, x_0: Points, *, is_outlier: NDArray[np.bool_], title: str
) -> Figure:
    """Outliers among x_0 beside the x_T they came from; points [n, 2], the mask [n].

    The circle holds the inner two standard deviations of the noise: 1 − e⁻² of it, 86 %.
    """
    figure = new_figure(5.6, 3.0)
    headline(figure, title)
    left, right = figure.subplots(1, 2)
    plane(left, BOARD)
    plane(right, noise_window(x_T))
    share = 100 * float(np.mean(is_outlier))
    left.set_title(f"data $x_0$: {int(is_outlier.sum())} outliers ({share:.2f}%)")
    right.set_title("the noise $x_T$ they came from")
    inliers = x_0[~is_outlier]
    left.scatter(inliers[:, 0], inliers[:, 1], s=1.8, color=QUIET, linewidths=0)
    scatter_cells(right, x_T, cell_number(x_0), alpha=0.28)
    right.add_patch(
        Circle((0, 0), 2 * float(x_T.std()), fill=False, color=INK, linewidth=0.7, linestyle="--")
    )
    _mark(left, x_0[is_outlier])
    _mark(right, x_T[is_outlier])
    return figure


outlier_trace = picture(outlier_trace_figure)


def _mark(axes: Axes, points: Points) -> None:
    """Crosses at points [k, 2]."""
    axes.scatter(points[:, 0], points[:, 1], s=13, marker="x", color=_CROSS, linewidths=0.9)
