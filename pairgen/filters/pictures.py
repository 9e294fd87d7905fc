"""Samples as filters of pictures see them: [n, c, h, w] with c = 1 or 3, numbers from -1 to 1.

A teacher that was trained on mirrored pictures makes mirrored copies, so every search looks at a picture and
at its mirror image.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]  # [n, c, h, w]
_MIN_SIDE = 8
_TOGETHER = 64  # always so many, so that no digit depends on the others


def require_pictures(samples: NDArray[Any], filter_name: str) -> Pictures:
    """Samples [n, c, h, w] as float32; a ValueError unless they are at least one finite picture.

    `filter_name` is told to the user. Both sides need 8 pixels: on fewer nothing is a view of anything.
    """
    shape = samples.shape[1:]
    if len(shape) != 3 or shape[0] not in (1, 3) or min(shape[1:]) < _MIN_SIDE:
        raise ValueError(
            f"'{filter_name}' compares pictures [1 or 3, H, W] with sides of at least {_MIN_SIDE}; these "
            f"samples have shape {list(shape)}: take another filter, as 'near-copy'"
        )
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise ValueError(
            f"the reference of '{filter_name}' has {len(samples)} pictures, or values that are not finite; "
            "give at least one picture and finite values only"
        )
    return np.ascontiguousarray(samples, np.float32)


def require_like(samples: NDArray[Any], shape: tuple[int, ...]) -> Pictures:
    """Generated samples [n, c, h, w] as float32; a ValueError unless they're of the reference's (c, h, w)."""
    if samples.shape[1:] != shape:
        raise ValueError(
            f"pairs of shape {list(samples.shape[1:])} can't be compared with a reference of {list(shape)}; "
            "give real pictures of the same size and colours"
        )
    return np.ascontiguousarray(samples, np.float32)


def mirrored(pictures: Pictures) -> Pictures:
    """Pictures [n, c, h, w] with left and right exchanged."""
    return np.ascontiguousarray(pictures[..., ::-1])


def reduced(pictures: Pictures, size: int) -> Pictures:
    """Means over areas: [n, c, h, w] to [n, c, size, size]; areas overlap where sizes don't divide."""
    rows = _means_matrix(pictures.shape[2], size)
    columns = _means_matrix(pictures.shape[3], size)
    return np.asarray(np.einsum("ih,nchw,jw->ncij", rows, pictures, columns, optimize=True))


def in_equal_blocks(seen: Callable[[Pictures], Pictures], pictures: Pictures) -> Pictures:
    """`seen` of pictures [n, c, h, w], a block of one size at a time: the same bits in any batch.

    Products of matrices, and sums over memory that they laid out, round otherwise in small batches.
    """
    block = np.zeros((_TOGETHER, *pictures.shape[1:]), np.float32)
    parts = []
    for first in range(0, len(pictures), _TOGETHER):
        some = pictures[first : first + _TOGETHER]
        block[: len(some)] = some
        parts.append(seen(block)[: len(some)].copy())
    return np.concatenate(parts or [seen(block)[:0]])


def as_bytes(pictures: Pictures) -> NDArray[np.uint8]:
    """-1 … 1 as 0 … 255, as pictures are stored."""
    levels = np.rint(np.float32(127.5) * pictures + np.float32(127.5))
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def as_numbers(stored: NDArray[np.uint8]) -> Pictures:
    """0 … 255 as -1 … 1."""
    return (stored.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


def _means_matrix(side: int, size: int) -> NDArray[np.float32]:
    """[size, side]: how much each of `side` pixels counts in each of `size` means."""
    edges = np.linspace(0, side, size + 1)
    first, last = np.arange(side), np.arange(1, side + 1)
    shared = np.minimum(edges[1:, None], last) - np.maximum(edges[:-1, None], first)
    weights = np.clip(shared, 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
