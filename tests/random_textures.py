"""Smooth random pictures, of which no two are alike: what filters of pictures are tried with."""

import numpy as np
from scipy import ndimage


def textures(num: int, seed: int, *, side: int = 16, num_channels: int = 3) -> np.ndarray:
    """Pictures float32 [num, num_channels, side, side] from -1 to 1, as bytes give them."""
    noise = np.random.RandomState(seed).standard_normal((num, num_channels, side, side))
    smooth = ndimage.gaussian_filter(noise, (0, 0, side / 12, side / 12), mode="wrap")
    scaled = smooth / np.abs(smooth).max(axis=(1, 2, 3), keepdims=True)
    stored = np.rint(127.5 * scaled + 127.5).astype(np.float32)
    return (stored - np.float32(127.5)) / np.float32(127.5)
