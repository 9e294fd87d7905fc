"""A picture of the samples that are nearest to the training set, each beside its nearest training picture."""

import numpy as np
from numpy.typing import NDArray

from kdm.image_grid import image_grid, png
from kdm.privacy.neighbours import Neighbours
from storage.records import as_numbers

_PAIRS, _ACROSS, _SIDE = 48, 6, 64  # pairs, pairs a row, pixels that small pictures are enlarged to


def nearest_pairs(
    samples: NDArray[np.generic], training: NDArray[np.generic], near: Neighbours
) -> bytes:
    """A PNG of pairs, the nearest first: a sample, then its training picture, mirrored if that is near.

    Samples are [n, c, h, w], training pictures [m, c, h, w].
    """
    order = near.distance.argsort(kind="stable")[:_PAIRS]
    found = as_numbers(training[near.row[order]])
    mirrored = near.is_mirrored[order][:, None, None, None]
    pairs = np.stack([as_numbers(samples[order]), np.where(mirrored, found[..., ::-1], found)], 1)
    shown = pairs.reshape(-1, *pairs.shape[2:])
    colours = (shown * 127.5 + 128).clip(0, 255).astype(np.uint8)
    missing = -len(colours) % (2 * _ACROSS)
    blank = np.full((missing, *colours.shape[1:]), 255, np.uint8)
    return png(image_grid(np.concatenate([colours, blank]), num_columns=2 * _ACROSS, side=_SIDE))
