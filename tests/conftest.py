"""What tests share: a home in an empty folder, tiny sets of pairs, and where shared inputs lie."""

import os
from pathlib import Path

import numpy as np
import pytest

from storage.fs import Folder
from storage.noise import derive_noise
from storage.records import NoiseRule, PairBatch, PairSchema
from storage.store import PairStore

os.environ.setdefault("OMP_NUM_THREADS", "1")

LAYOUT = "wds-256"
SPEC = {
    "version": 1,
    "sampler": {"plugin": "none", "num_steps": 3},
    "pairs": PairSchema(shape=(2,), noise=NoiseRule(seed=5)).model_dump(mode="json"),
}


@pytest.fixture
def home(tmp_path: Path) -> Folder:
    return Folder.at(str(tmp_path / "home"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Published inputs that do not come with the project; tests that need them skip without."""
    place = Path(os.environ.get("KDM_SHARED", Path(__file__).parents[2] / "shared"))
    if not (place / "data").is_dir():
        pytest.skip(f"no shared inputs at {place} (set KDM_SHARED)")
    return place


def made_pairs(index: np.ndarray) -> PairBatch:
    """Pairs of a closed-form teacher: x_0 = tanh(2 x_T)."""
    x_T = derive_noise(NoiseRule(seed=5), "train", index, (2,))
    return PairBatch(index.astype(np.int64), x_T, np.tanh(2 * x_T))


def filled_store(folder: Folder, count: int = 1000, layout: str = LAYOUT) -> PairStore:
    """A committed set of `count` pairs with one dropped index, 7."""
    store = PairStore.create(folder, SPEC, split="train", layout=layout)
    for shard in store.missing(count):
        write_shard(store, shard)
    store.commit(count)
    return store


def write_shard(store: PairStore, shard: int) -> None:
    index = store.indices(shard)
    kept = index[index != 7]
    dropped = {"nan": [7]} if len(kept) < len(index) else {}
    store.write(shard, made_pairs(kept), dropped=dropped, environment={"device": "cpu"})
