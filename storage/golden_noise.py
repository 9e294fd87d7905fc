"""Whether this machine's numpy draws the noise that every store rests on: a digest to compare with."""

import hashlib

import numpy as np

from storage.noise import derive_noise
from storage.records import NoiseRule

# sha256 of float32 noise for key [123, 0], index 7, n = 3,072, first 16 digits; NumPy keeps this
# stream for ever (docs/store.md, 'A sample').
GOLDEN_NOISE = "f0732d8c783853f6"


def golden_noise_digest() -> str:
    """The digest that guards this machine's numpy stream; equal to `GOLDEN_NOISE` if sound."""
    noise = derive_noise(NoiseRule(seed=123), "train", np.array([7]), (3072,))
    return hashlib.sha256(noise.tobytes()).hexdigest()[: len(GOLDEN_NOISE)]
