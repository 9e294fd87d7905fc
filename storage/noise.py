"""x_T and labels as pure functions of (seed, split, index): noise kind `philox-v1` (STORE.md)."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from storage.records import LabelRule, NoiseRule

_SPLIT_CODES = {"train": 0, "heldout": 1}
# sha256 of float32 noise for key [123, 0], index 7, n = 3,072, first 16 digits (STORE.md).
GOLDEN_NOISE = "f0732d8c783853f6"


def split_code(split: str) -> int:
    """0 for `train`, 1 for `heldout`, else the first eight bytes of the name's sha256."""
    if split in _SPLIT_CODES:
        return _SPLIT_CODES[split]
    return int.from_bytes(hashlib.sha256(split.encode()).digest()[:8], "big")


def derive_noise(
    rule: NoiseRule, split: str, index: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """x_T for each index: float32 [n, *shape], standard deviation `rule.scale`."""
    num_values = int(np.prod(shape))
    drawn = np.empty((len(index), num_values), np.float32)
    for row, sample in enumerate(index):
        stream = _stream(rule.seed, split, int(sample), purpose=0)
        drawn[row] = stream.standard_normal(num_values) * rule.scale
    return drawn.reshape(len(index), *shape)


def derive_labels(
    rule: LabelRule, *, seed: int, split: str, index: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class of each index, int64 [n]: `cycle` keeps every prefix balanced."""
    if rule.rule == "cycle":
        return index % rule.num_classes
    if rule.rule == "stored":
        raise ValueError("labels of rule 'stored' lie in the shards; they are not derived")
    draws = [
        _stream(seed, split, int(sample), purpose=1).randint(rule.num_classes) for sample in index
    ]
    return np.array(draws, np.int64)


def golden_noise_digest() -> str:
    """The digest that guards this machine's numpy stream; equal to `GOLDEN_NOISE` where sound."""
    noise = derive_noise(NoiseRule(seed=123), "train", np.array([7]), (3072,))
    return hashlib.sha256(noise.tobytes()).hexdigest()[: len(GOLDEN_NOISE)]


def _stream(seed: int, split: str, index: int, *, purpose: int) -> np.random.RandomState:
    # Arrays, not lists: a list holding a value of 2**63 or more goes through float64 in silence.
    key = np.array([seed, split_code(split)], np.uint64)
    counter = np.array([0, 0, index, purpose], np.uint64)
    return np.random.RandomState(np.random.Philox(key=key, counter=counter))
