"""Sixteen images in rows of four, as a PNG that a repeated run reproduces."""

import numpy as np
from numpy.typing import NDArray

from kdm.image_grid import image_grid, png

_EACH_WAY = 4
_SIDE = 128  # pixels of an image: small ones are enlarged to at most this


def grid_png(images: NDArray[np.uint8]) -> bytes:
    """Images [16, C, H, W] on white."""
    return png(image_grid(images, num_columns=_EACH_WAY, side=_SIDE))
