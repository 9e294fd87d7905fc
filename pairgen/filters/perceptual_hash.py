"""A 64-bit hash of how a picture looks: pictures that look alike differ in few bits (pHash, Zauner 2010).

With Y the luminance [H, W] and A [32, n] the means over 32 even parts of n pixels,

    F = C (A Y Aᵀ) Cᵀ,    C_kx = cos(π (2x + 1) k / 64),  k < 8,      bit_kl = F_kl > median of F

so F are the lowest 8×8 frequencies of a discrete cosine transform. A mirror image has F with the sign of
every odd column changed. At CIFAR-10's size 1 % of real pictures lie within 4 bits of another of 50,000,
and so do 96 % of their copies with noise of .05: a test for candidates, not for copies.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NUM_BITS = 64
_SIDE, _NUM_FREQUENCIES = 32, 8
_LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)
_DECIMALS = 6  # of frequencies up to 1,024: round-off doesn't decide the bits of a flat picture
_ROWS = 1_024  # at a time: 100 MB of 64×64 pictures
Hashes = NDArray[np.uint64]
_FLIP = np.where(np.arange(_NUM_FREQUENCIES) % 2, -1.0, 1.0)


def perceptual_hashes(pictures: NDArray[Any]) -> tuple[Hashes, Hashes]:
    """The hashes [n] of pictures [n, 1 or 3, H, W], and those of their mirror images."""
    starts = range(0, len(pictures), _ROWS)
    parts = [_low_frequencies(pictures[first : first + _ROWS]) for first in starts]
    low = np.concatenate([np.empty((0, _NUM_FREQUENCIES, _NUM_FREQUENCIES)), *parts])
    return _bits(low), _bits(low * _FLIP)


def _low_frequencies(pictures: NDArray[Any]) -> NDArray[np.float64]:
    """F [n, 8, 8]; each picture has its own product of matrices, so a batch changes no digit."""
    height, width = pictures.shape[2:]
    low = _transform(height) @ _luminance(pictures) @ _transform(width).T
    return np.asarray(np.round(low, _DECIMALS))


def _luminance(pictures: NDArray[Any]) -> NDArray[np.float64]:
    numbers = pictures.astype(np.float64)
    if pictures.shape[1] == 1:
        return numbers[:, 0]
    red, green, blue = (share * numbers[:, channel] for channel, share in enumerate(_LUMINANCE))
    return np.asarray(red + green + blue)


def _transform(num_pixels: int) -> NDArray[np.float64]:
    """C A, [8, num_pixels]."""
    edges = np.arange(_SIDE + 1) * num_pixels / _SIDE
    pixels = np.arange(num_pixels)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    means = covered.clip(min=0) * _SIDE / num_pixels
    places, frequencies = 2 * np.arange(_SIDE) + 1, np.arange(_NUM_FREQUENCIES)
    return np.cos(np.pi * np.outer(frequencies, places) / (2 * _SIDE)) @ means


def _bits(low: NDArray[np.float64]) -> Hashes:
    """[n] of [n, 8, 8]."""
    flat = low.reshape(len(low), NUM_BITS)
    packed = np.packbits(flat > np.median(flat, axis=1, keepdims=True), axis=1)
    return packed.view(np.uint64)[:, 0]
