"""x_T and labels as pure functions of (seed, split, index): noise kind `philox-v1` (docs/store.md)."""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from storage.records import LabelRule, NoiseRule

_SPLIT_CODES = {"train": 0, "heldout": 1}


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
    # The legacy generator makes normals in pairs and would keep the odd one for the next sample.
    num_drawn = num_values + num_values % 2
    x_T = np.empty((len(index), num_values), np.float32)
    streams = _streams(rule.seed, split, index, purpose=0)
    for row, stream in zip(x_T, streams, strict=True):
        drawn = stream.standard_normal(num_drawn)[:num_values]
        np.multiply(drawn, rule.scale, out=row, casting="same_kind")  # in float64, then rounded
    return x_T.reshape(len(index), *shape)


def derive_labels(
    rule: LabelRule, *, seed: int, split: str, index: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class of each index, int64 [n]: `cycle` keeps every prefix balanced."""
    if rule.rule == "cycle":
        return index % rule.num_classes
    if rule.rule == "stored":
        raise ValueError("labels of rule 'stored' lie in the shards; they are not derived")
    streams = _streams(seed, split, index, purpose=1)
    return np.array([stream.randint(rule.num_classes) for stream in streams], np.int64)


def _streams(
    seed: int, split: str, index: NDArray[np.int64], *, purpose: int
) -> Iterator[np.random.RandomState]:
    """One generator, set to the beginning of each index's stream in turn; threads share none.

    As `RandomState(Philox(key=key, counter=counter))`, which takes ten times as long to make.
    """
    # Arrays, not lists: a list holding a value of 2**63 or more goes through float64 in silence.
    key = np.array([seed, split_code(split)], np.uint64)
    counter = np.array([0, 0, 0, purpose], np.uint64)
    bits = np.random.Philox(key=key, counter=counter)
    stream, state = np.random.RandomState(bits), bits.state
    for sample in index.tolist():
        state["state"]["counter"][2] = sample
        bits.state = state
        yield stream
