"""Samples themselves, as points of the plane: a student's beside its teacher's, and a set of pairs.

The frames are the checkerboard's dark squares: where samples belong.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kdm.analyze.cell_colours import BOARD, noise_window
from kdm.analyze.lettering import in_lines, literal
from kdm.analyze.picture import INK, PALETTE, TITLE_POINTS, new_figure, picture, plane
from kdm.datasets.checkerboard import CELLS_EACH_WAY, CELLS_PER_UNIT
from kdm.metrics.samples import Points

_PANEL_INCHES = 2.1  # of axes without their labels, in the narrowest picture


@picture
def samples_beside_teacher(teacher_x_0: Points, student_x_0: Points, *, student: str) -> Figure:
    """The teacher's samples on the left, the student's on the right; both [·, 2]."""
    figure = new_figure(5.6, 3.0)
    left, right = figure.subplots(1, 2)
    for axes, points, name in ((left, teacher_x_0, "teacher"), (right, student_x_0, student)):
        draw_board(axes)
        _draw_points(axes, points, half_side=BOARD, title=_count(name, points))
    return figure


@picture
def samples_picture(x_0: Points, name: str) -> Figure:
    """One model's samples, [n, 2]."""
    figure = new_figure(2.7, 2.8)
    axes = figure.subplots()
    draw_board(axes)
    _draw_points(axes, x_0, half_side=BOARD, title=_count(name, x_0))
    return figure


@picture
def pairs_picture(x_T: Points, x_0: Points) -> Figure:
    """Noise on the left, data on the right; both [n, 2]."""
    figure = new_figure(5.6, 3.0)
    left, right = figure.subplots(1, 2)
    _draw_points(left, x_T, half_side=noise_window(x_T), title="noise $x_T$")
    draw_board(right)
    _draw_points(right, x_0, half_side=BOARD, title="data $x_0$")
    return figure


def _draw_points(axes: Axes, points: Points, *, half_side: float, title: str) -> None:
    """Points [n, 2] in a window of ±half_side."""
    plane(axes, half_side)
    axes.set_title(title)
    axes.scatter(points[:, 0], points[:, 1], s=1.6, color=PALETTE[4], alpha=0.55, linewidths=0)


def _count(name: str, points: Points) -> str:
    """'kdm: 10,000 samples', in lines that fit above a panel."""
    return literal(in_lines(f"{name}: {len(points):,} samples", _PANEL_INCHES, TITLE_POINTS))


def draw_board(axes: Axes) -> None:
    """The eight dark squares as thin frames: where samples belong."""
    side = 1 / CELLS_PER_UNIT
    for across in range(-CELLS_EACH_WAY, CELLS_EACH_WAY):
        for up in range(-CELLS_EACH_WAY, CELLS_EACH_WAY):
            if (across + up) % 2 == 0:
                corner = (across * side, up * side)
                axes.add_patch(Rectangle(corner, side, side, fill=False, color=INK, lw=0.5))
