"""Images in rows, as an array of colours and as a PNG that a repeated run reproduces.

Nothing is smoothed: each pixel of a small image becomes a square of pixels, so that a reader sees what
the network made.
"""

import io

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

Colours = UInt8[np.ndarray, "height width 3"]

_GAP = 4  # pixels of white between images and around them


def image_grid(images: NDArray[np.uint8], *, num_columns: int, side: int) -> Colours:
    """Images [n, C, H, W] on white, n a multiple of `num_columns`, enlarged to at most `side` pixels.

    They are enlarged by a whole factor; one channel is grey, of more than three the first are shown.
    """
    channels = images[:, :3] if images.shape[1] >= 3 else images[:, [0, 0, 0]]
    factor = max(1, side // max(images.shape[2:]))
    large = channels.repeat(factor, axis=2).repeat(factor, axis=3).transpose(0, 2, 3, 1)
    margin = ((0, 0), (_GAP, 0), (_GAP, 0), (0, 0))
    tiles = np.pad(large, margin, constant_values=255)
    _, height, width, _ = tiles.shape
    rows = tiles.reshape(-1, num_columns, height, width, 3).swapaxes(1, 2)
    whole = rows.reshape(-1, num_columns * width, 3)
    return np.pad(whole, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)


def png(colours: Colours) -> bytes:
    """The picture's PNG, without a date, so that equal colours give equal bytes."""
    # Imported here: a training draws a few pictures, late or never.
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(colours).save(data, format="PNG", optimize=True)
    return data.getvalue()
