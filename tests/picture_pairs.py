"""Stored pairs of tiny pictures with labels, of a closed-form teacher, as bytes."""

from dataclasses import replace
from typing import Any

import numpy as np

from storage.digest import digest_of, short
from storage.folders import Folder
from storage.noise import derive_noise
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema, as_numbers
from storage.store import PairStore

LAYOUT = "wds-64"
NUM_CLASSES = 10
SCHEMA = PairSchema(
    shape=(1, 8, 8),
    noise=NoiseRule(seed=5, scale=80),
    label=LabelRule(num_classes=NUM_CLASSES),
    x_0_dtype="uint8",
    rounding="half-even",
)
SPEC: dict[str, Any] = {
    "version": 1,
    "sampler": {"plugin": "none"},
    "pairs": SCHEMA.model_dump(mode="json"),
}


def made(index: np.ndarray, split: str) -> PairBatch:
    """x_0 = tanh(x_T / 80), brighter by class."""
    x_T = derive_noise(SCHEMA.noise, split, index, SCHEMA.shape)
    label = index % NUM_CLASSES
    unit = np.tanh(x_T / 80 + label[:, None, None, None] / NUM_CLASSES - 0.5)
    x_0 = np.rint(127.5 * unit + 127.5).astype(np.uint8)
    return PairBatch(index.astype(np.int64), x_T, x_0, label.astype(np.int64))


def spec_of(*, has_labels: bool = True) -> dict[str, Any]:
    """What determines the set."""
    return SPEC if has_labels else {**SPEC, "pairs": {**SPEC["pairs"], "label": None}}


def name_of(*, has_labels: bool = True) -> str:
    """NAME-DIGEST of the set."""
    return f"tiny-pictures-{short(digest_of(spec_of(has_labels=has_labels)))}"


def filled(
    folder: Folder,
    split: str = "train",
    count: int = 64,
    *,
    has_labels: bool = True,
    num_states: int = 0,
) -> PairStore:
    """A committed split of `count` pairs; states are x_0 with ever less of x_T."""
    spec = spec_of(has_labels=has_labels)
    if num_states:
        spec = {**spec, "pairs": {**spec["pairs"], "num_states": num_states}}
    store = PairStore.create(folder, spec, split=split, layout=LAYOUT)
    for shard in store.missing(count):
        pairs = made(store.indices(shard), split)
        if not has_labels:
            pairs = replace(pairs, label=None)
        if num_states:
            x_0 = as_numbers(pairs.x_0)
            states = [x_0 + pairs.x_T / 4**number for number in range(1, num_states + 1)]
            pairs = replace(pairs, states=np.stack(states, 1).astype(np.float32))
        store.write(shard, pairs, dropped={}, environment={"device": "cpu"})
    store.commit(count)
    return store
