"""A grid of noise beside the grid of the images that it ends in: what a set of pairs holds.

Noise x_T is shown by its scale, ±2.5 standard deviations from black to white, so a set with a wrong
scale looks wrong; the image at the same place on the right is where the teacher takes it.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdm.analyze.picture import INK, new_figure, picture, pixels_across
from kdm.analyze.shown_pairs import EACH_WAY

Colours = NDArray[np.uint8]  # [height, width, 3]

_SIDE = 512  # pixels of a grid: small images are enlarged to about this, by whole factors
_GAP, _MARGIN, _HEAD = 2, 16, 40  # pixels: between images, around the grids, above them
_DEVIATIONS = 2.5  # of the noise from black to white; 1 number in 80 is clipped


@picture
def image_pairs_picture(x_T: NDArray[Any], x_0: NDArray[Any], *, noise_scale: float) -> Figure:
    """The first 64 pairs, [n, H, W] or [n, C, H, W]: noise by its scale on the left, x_0 on the right.

    Bytes are shown as they are, numbers from the least to the largest that are shown.
    """
    noise = _grid(_stretched(x_T[: EACH_WAY**2] / noise_scale, -_DEVIATIONS, _DEVIATIONS))
    images = x_0[: EACH_WAY**2]
    if images.dtype != np.uint8:
        images = _stretched(images, float(images.min()), float(images.max()))
    data = _grid(images)
    height, width = data.shape[:2]
    figure = new_figure(
        pixels_across(2 * width + 3 * _MARGIN), pixels_across(height + _HEAD + _MARGIN)
    )
    titles = [f"noise $x_T$, by its scale {noise_scale:g}", "data $x_0$"]
    for number, (grid, title) in enumerate(zip((noise, data), titles, strict=True)):
        left = _MARGIN + number * (width + _MARGIN)
        figure.figimage(grid, left, _MARGIN, origin="upper")
        head = (height + _MARGIN + _HEAD / 3) / (height + _HEAD + _MARGIN)
        figure.text(left / (2 * width + 3 * _MARGIN), head, title, fontsize=9.5, color=INK)
    return figure


def _stretched(values: NDArray[Any], low: float, high: float) -> Colours:
    """Values as bytes: `low` and less is black, `high` and more white."""
    unit = (values.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    shown: Colours = np.rint(255 * unit.clip(0, 1)).astype(np.uint8)
    return shown


def _grid(images: NDArray[Any]) -> Colours:
    """Images in rows of 8 on white, each pixel enlarged by a whole factor: [height, width, 3]."""
    colours = _coloured(images)
    _, height, width, _ = colours.shape
    factor = max(1, _SIDE // (EACH_WAY * max(height, width)))
    colours = colours.repeat(factor, axis=1).repeat(factor, axis=2)
    step = np.array(colours.shape[1:3]) + _GAP
    num_rows = -(-len(colours) // EACH_WAY)
    grid = np.full((*(step * (num_rows, EACH_WAY) - _GAP), 3), 255, np.uint8)
    for number, image in enumerate(colours):
        top, left = step * divmod(number, EACH_WAY)
        grid[top : top + image.shape[0], left : left + image.shape[1]] = image
    return grid


def _coloured(images: NDArray[Any]) -> NDArray[np.uint8]:
    """[n, H, W, 3]: one channel is grey, of more than three the first three are shown."""
    planes = images.reshape(len(images), -1, *images.shape[-2:])
    chosen = planes[:, :3] if planes.shape[1] >= 3 else planes[:, [0, 0, 0]]
    return np.ascontiguousarray(chosen.transpose(0, 2, 3, 1))
