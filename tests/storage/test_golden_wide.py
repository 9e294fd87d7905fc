"""The second frozen store: Zarr beside tars, bytes, states, stored noise, a short last shard."""

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from storage.care.verify import faults
from storage.folders import folder_at
from storage.store import PairStore

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "store-v1-wide"
SETS = {
    "generated-03152560916f": (
        "1ebb84969807893120f1fb53e541e6b989e90144a110562a05d684acc3d5b5c3",
        "5da7e9d8745d0e64b04448ff1dd477cb4d7b52ffa26920b34118c31638eab479",
    ),
    "imported-59b6b1388746": (
        "fc4b5d1cdca4e2df9dda3f000316229515692d2491a0d49f25e10e2faa54e583",
        "de4a20dac9378d992b76142e3d6a117db817f77d7ba7f28e0835e606576e54bf",
    ),
}


@pytest.fixture(params=["wds-64", "zarr-64"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "store") / "pairs")


def opened(frozen: Path, name: str, layout: str) -> PairStore:
    return PairStore.open(folder_at(str(frozen / name)), split="train", layout=layout)


@pytest.mark.parametrize("name", SETS)
def test_the_frozen_store_verifies_under_its_old_digests(
    frozen: Path, name: str, layout: str
) -> None:
    store = opened(frozen, name, layout)
    assert store.spec_digest.startswith(name.rpartition("-")[2])
    assert store.content_digests(100) == SETS[name]
    assert faults(store, deep=True) == []


def test_the_frozen_store_gives_the_pairs_that_it_was_given(frozen: Path, layout: str) -> None:
    pairs = opened(frozen, "generated-03152560916f", layout).load(100).pairs
    assert len(pairs) == 99
    assert 70 not in pairs.index
    assert pairs.x_0[0].ravel().tolist() == [167, 112, 104, 166]
    assert pairs.states is not None
    assert pairs.states[0, :, 0, 0, 0].tolist() == [66.0625, 33.03125]
    assert pairs.label is not None
    assert pairs.label[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_the_frozen_imported_set_ends_with_a_short_shard(frozen: Path, layout: str) -> None:
    pairs = opened(frozen, "imported-59b6b1388746", layout).load(100).pairs
    assert pairs.x_T.dtype == np.float16
    assert pairs.x_T[-1].tolist() == [99.0, 99.125, 99.25]
    assert pairs.x_0[-1].tolist() == pytest.approx([9.9, 9.9125, 9.925])


def test_equal_pairs_are_laid_out_in_the_frozen_bytes(tmp_path: Path) -> None:
    sys.path.insert(0, str(GOLDEN.parent))
    from make_golden_wide import make

    make(folder_at(str(tmp_path / "pairs")))
    shards = [file for file in GOLDEN.rglob("shards/**/*") if file.is_file()]
    assert shards
    for file in shards:
        assert (tmp_path / file.relative_to(GOLDEN)).read_bytes() == file.read_bytes()


def test_no_file_of_the_frozen_store_was_ever_touched() -> None:
    total = hashlib.sha256()
    for file in sorted(file for file in GOLDEN.rglob("*") if file.is_file()):
        total.update(str(file.relative_to(GOLDEN)).encode() + file.read_bytes())
    assert total.hexdigest() == "8cf1840af69c72413ef39ee1648b9b122e735dc97b7a675a4cb1b5d4dba71f85"
