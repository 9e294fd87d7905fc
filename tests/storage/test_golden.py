"""The frozen store of format version 1 opens for ever and says what it said (tests/golden)."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from storage.care.verify import faults
from storage.folders import Folder, folder_at
from storage.masks import Mask, read_audit, read_scores
from storage.store import PairStore

GOLDEN = Path(__file__).parents[1] / "golden" / "store-v1"
NAME = "golden-aed3071690d1"
MASK = Mask(
    score="141108ab09cfa7aee99ba341e7ca4571c6a76acf7731ae89c5b32832592bd337",
    decision="b408d282d7ad8d27e1f31b66e7036927ccc1f17f9114f6e7677a59d383c27190",
)
CONTENTS = {
    "train": (
        "7ccb90ae90b92043a29d01bb9920d99b94ebfb16f80ab423fb496ecf2f185d14",
        "0a6fe74d8a002b08796c637682c6d5fc07eb69a8700e5df73112f58d9259701e",
    ),
    "heldout": (
        "6f46b9b324919d9ffb28a0c455f24d861708948013e32ad7c17c50ecfeed3379",
        "c89a604319e7ff4699fbb0cafa3a1de42bde707a80f29ebf5fae46299c81a6e1",
    ),
}
COUNTS = {"train": 128, "heldout": 100}


@pytest.fixture
def frozen(tmp_path: Path) -> Folder:
    shutil.copytree(GOLDEN, tmp_path / "store")
    return folder_at(str(tmp_path / "store" / "pairs" / NAME))


def opened(frozen: Folder, split: str) -> PairStore:
    return PairStore.open(frozen, split=split, layout="wds-64")


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_the_frozen_store_verifies_under_its_old_digests(frozen: Folder, split: str) -> None:
    store = opened(frozen, split)
    assert store.spec_digest.startswith(NAME.removeprefix("golden-"))
    assert store.content_digests(COUNTS[split]) == CONTENTS[split]
    assert faults(store, deep=True) == []


@pytest.mark.parametrize(
    ("split", "num_pairs", "num_kept", "sum_x_0"),
    [("train", 127, 94, 3.517199754714966), ("heldout", 99, 79, 31.257678985595703)],
)
def test_the_frozen_store_gives_the_pairs_that_it_was_given(
    frozen: Folder, split: str, num_pairs: int, num_kept: int, sum_x_0: float
) -> None:
    store = opened(frozen, split)
    loaded = store.load(COUNTS[split], [MASK])
    assert len(store.load(COUNTS[split], ()).pairs) == num_pairs
    assert len(loaded.pairs) == num_kept
    assert float(loaded.pairs.x_0.sum(dtype=np.float64)) == sum_x_0
    assert loaded.row_of_index[70] == -1


def test_noise_and_labels_of_the_frozen_store_are_derived_as_they_were(frozen: Folder) -> None:
    pairs = opened(frozen, "train").load(128, ()).pairs
    assert pairs.x_T[0].tobytes().hex() == "43577942281098c20e1201439b2954c2"
    assert pairs.x_0[0].tobytes().hex() == "9abb3c3a4eb9743e"
    assert pairs.label is not None
    assert pairs.label[:12].tolist() == [1, 9, 5, 8, 0, 0, 2, 0, 3, 7, 1, 2]


def test_scores_and_audit_of_the_frozen_store_are_read(frozen: Folder) -> None:
    masks, content = opened(frozen, "train").base / "masks", CONTENTS["train"][0]
    assert read_scores(masks, MASK.score, content)[:2].tolist() == [
        62.3352165222168,
        -83.82255554199219,
    ]
    first = read_audit(masks, MASK, content)[0]
    assert first == {"index": 1, "reason": "low", "score": -83.82255554199219}


def test_the_frozen_store_grows_without_changing_what_is_there(frozen: Folder) -> None:
    before = {file: file.read_bytes() for file in frozen.path.rglob("*") if file.is_file()}
    store = PairStore.create(frozen, opened(frozen, "train").spec, split="train", layout="wds-64")
    assert store.missing(128) == []
    assert store.missing(200) == [2, 3]
    store.commit(128)
    assert {file: file.read_bytes() for file in before} == before


def test_no_file_of_the_frozen_store_was_ever_touched() -> None:
    total = hashlib.sha256()
    for file in sorted(file for file in GOLDEN.rglob("*") if file.is_file()):
        total.update(str(file.relative_to(GOLDEN)).encode() + file.read_bytes())
    assert total.hexdigest() == "6cd78a3ef049da47b87a2d45033f1f6dea7b4c7bb99e31adcba0032353ff5230"
