"""Sixteen images in rows of four, as a PNG that a repeated run reproduces."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_EACH_WAY = 4
_SIDE = 128  # pixels of an image: small ones are enlarged to at most this, by whole factors
_GAP = 4


def grid_png(images: NDArray[np.uint8]) -> bytes:
    """Images [16, C, H, W] on white; one channel is grey, of more than three the first are shown."""
    channels = images[:, :3] if images.shape[1] >= 3 else images[:, [0, 0, 0]]
    factor = max(1, _SIDE // max(images.shape[2:]))
    large = channels.repeat(factor, axis=2).repeat(factor, axis=3).transpose(0, 2, 3, 1)
    margin = ((0, 0), (_GAP, 0), (_GAP, 0), (0, 0))
    tiles = np.pad(large, margin, constant_values=255)
    _, height, width, _ = tiles.shape
    rows = tiles.reshape(_EACH_WAY, _EACH_WAY, height, width, 3).swapaxes(1, 2)
    whole = rows.reshape(_EACH_WAY * height, _EACH_WAY * width, 3)
    framed = np.pad(whole, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
    data = io.BytesIO()
    Image.fromarray(framed).save(data, format="PNG", optimize=True)  # no date is written
    return data.getvalue()
