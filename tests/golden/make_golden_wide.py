"""Writes the second frozen version-1 store: `python tests/golden/make_golden_wide.py FOLDER`.

What `make_golden.py` lacks: Zarr beside tars, bytes, states in between, stored float16 noise, an
imported set's short last shard, packed manifests. It was run once; what it wrote stays.
"""

import sys

import numpy as np

from storage.digest import digest_of, short
from storage.folders import Folder, folder_at
from storage.noise import derive_labels, derive_noise
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema, as_stored
from storage.store import PairStore

LAYOUTS = ("wds-64", "zarr-64")
NOISE, LABEL = NoiseRule(seed=3, scale=80.0), LabelRule(rule="cycle", num_classes=10)
GENERATED = {
    "version": 1,
    "pairs": PairSchema(
        shape=(1, 2, 2),
        x_0_dtype="uint8",
        rounding="half-even",
        noise=NOISE,
        label=LABEL,
        num_states=2,
        states_dtype="float16",
    ).model_dump(mode="json"),
}
IMPORTED = {
    "version": 1,
    "kind": "imported",
    "rows": {"train": [0, 100]},
    "pairs": PairSchema(shape=(3,), noise=NoiseRule(kind="stored"), x_T_dtype="float16").model_dump(
        mode="json"
    ),
}
INVALID = 70  # recorded as out of range in the generated set


def make(pairs: Folder) -> None:
    """Both sets, each in both layouts."""
    for name, spec in (("generated", GENERATED), ("imported", IMPORTED)):
        folder = pairs / f"{name}-{short(digest_of(spec))}"
        for layout in LAYOUTS:
            store = PairStore.create(folder, spec, split="train", layout=layout)
            for shard in store.missing(100):
                write(store, shard)
            store.commit(100)


def write(store: PairStore, shard: int) -> None:
    index = store.indices(shard)
    if store.limit is not None:
        store.write(shard, imported_pairs(index), dropped={}, environment={"importer": "none"})
        return
    dropped = {"range": [INVALID]} if INVALID in index else {}
    pairs = generated_pairs(store.schema, index[index != INVALID])
    store.write(shard, pairs, dropped=dropped, environment={"device": "cpu"})


def generated_pairs(schema: PairSchema, index: np.ndarray) -> PairBatch:
    """x_0 = x_T / 320 as bytes; the states lie at thirds of the way."""
    x_T = derive_noise(NOISE, "train", index, schema.shape)
    states = np.stack([x_T * (2 / 3), x_T / 3], axis=1).astype(np.float16)
    label = derive_labels(LABEL, seed=NOISE.seed, split="train", index=index)
    return PairBatch(index, x_T, as_stored(x_T / 320, schema), label, states)


def imported_pairs(index: np.ndarray) -> PairBatch:
    """x_T counts in eighths, which float16 holds; x_0 is its tenth."""
    x_T = (index[:, None] + np.arange(3) / 8).astype(np.float16)
    return PairBatch(index, x_T, x_T.astype(np.float32) / np.float32(10))


if __name__ == "__main__":
    make(folder_at(sys.argv[1]))
