"""Rows of small pictures with names at their left: what one noise becomes, step by step.

Nothing is smoothed. Pictures are numbers on −1 … 1.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdm.analyze.lettering import inches_of, literal
from kdm.analyze.picture import INK, drawn, headline, new_figure

_POINTS = 7.5
_TILE, _GAP = 0.42, 0.04  # inches


def are_images(samples: NDArray[np.generic]) -> bool:
    """Whether arrays [..., C, H, W] are grey or colour pictures."""
    return samples.ndim >= 4 and samples.shape[-3] in (1, 3) and min(samples.shape[-2:]) > 1


@drawn
def strips(
    title: str,
    rows: Sequence[tuple[str, NDArray[np.floating]]],
    *,
    heads: Sequence[str] = (),
) -> Figure:
    """Rows of (name, pictures [k, C, H, W]); all have one k. `heads` stand above the columns."""
    num_columns = len(rows[0][1])
    names = max(inches_of(name, _POINTS) for name, _ in rows) + 0.15
    step = _TILE + _GAP
    width, top = names + num_columns * step + 0.05, 0.55 if heads else 0.35
    height = len(rows) * step + top
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    headline(figure, title)
    for row, (name, pictures) in enumerate(rows):
        up = (height - top - (row + 1) * step) / height
        figure.text(
            0.05 / width,
            up + 0.5 * _TILE / height,
            literal(name),
            fontsize=_POINTS,
            color=INK,
            va="center",
        )
        for column, picture in enumerate(pictures):
            place = ((names + column * step) / width, up, _TILE / width, _TILE / height)
            axes = figure.add_axes(place)
            axes.imshow(_colours(picture), interpolation="nearest")
            axes.set_axis_off()
    for column, head in enumerate(heads):
        left = (names + column * step + _TILE / 2) / width
        figure.text(
            left, 1 - (top - 0.06) / height, head, fontsize=6.5, color=INK, ha="center", va="bottom"
        )
    return figure


def _colours(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """[C, H, W] on −1 … 1 as bytes [H, W, 3]."""
    channels = picture if len(picture) == 3 else picture[[0, 0, 0]]
    shown = np.rint(127.5 * channels.astype(np.float64) + 127.5).clip(0, 255)
    return np.ascontiguousarray(shown.transpose(1, 2, 0).astype(np.uint8))
