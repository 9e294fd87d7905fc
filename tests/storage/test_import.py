"""Published pairs are imported by what their numbers say, not by their order."""

from pathlib import Path

import numpy as np
import pytest
from published import CHECKERBOARD, published

from storage.folders import Folder
from storage.importers.checkerboard import import_checkerboard
from storage.store import PairStore

ROWS = {"train": (0, 9000), "heldout": (9000, 10000)}


@pytest.fixture
def trajectory() -> np.ndarray:
    draw = np.random.RandomState(0)
    noise, data = draw.standard_normal((10_000, 2)), draw.uniform(-4.4, 4.4, (10_000, 2))
    return np.stack([noise, (noise + data) / 2, data]).astype(np.float32)


def imported(home: Folder, trajectory: np.ndarray) -> Folder:
    file = Path(home.path).parent / "pairs.npy"
    np.save(file, trajectory)
    return import_checkerboard(file, home, name="published", rows=ROWS).folder


@pytest.mark.parametrize("step", [1, -1])
def test_the_noise_end_is_found_in_either_order(
    home: Folder, trajectory: np.ndarray, step: int
) -> None:
    folder = imported(home, trajectory[::step])
    pairs = PairStore.open(folder, split="heldout").load(1000).pairs
    assert np.array_equal(pairs.x_T, trajectory[0][9000:])
    assert np.array_equal(pairs.x_0, trajectory[-1][9000:])


@pytest.mark.parametrize("ends", [(0, 0), (2, 2)])
def test_a_file_without_one_clear_noise_end_is_refused(
    home: Folder, trajectory: np.ndarray, ends: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="cannot tell noise from data"):
        imported(home, trajectory[list(ends)])


def test_importing_again_changes_nothing(home: Folder, trajectory: np.ndarray) -> None:
    first = imported(home, trajectory)
    files = {file: file.stat().st_mtime_ns for file in first.path.rglob("*")}
    assert imported(home, trajectory) == first
    assert files == {file: file.stat().st_mtime_ns for file in first.path.rglob("*")}


def test_an_imported_split_counts_from_zero_and_cannot_grow(
    home: Folder, trajectory: np.ndarray
) -> None:
    store = PairStore.open(imported(home, trajectory), split="heldout")
    assert store.load(1000).pairs.index.tolist() == list(range(1000))
    with pytest.raises(ValueError, match="at most 1,000"):
        store.missing(1001)


def test_a_pickled_array_is_refused(home: Folder, tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="not a readable"):
        import_checkerboard(tmp_path / "bad.npy", home, name="bad", rows=ROWS)


def test_a_file_with_nan_is_refused(home: Folder, trajectory: np.ndarray) -> None:
    trajectory[0, 5, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or Inf"):
        imported(home, trajectory)


def test_the_published_pairs_are_told_apart(home: Folder) -> None:
    rows = {"train": (0, 45_000), "heldout": (45_000, 50_000)}
    folder = import_checkerboard(published(CHECKERBOARD), home, name="published", rows=rows).folder
    store = PairStore.open(folder, split="heldout")
    pairs = store.load(5000).pairs
    assert store.schema.noise.scale == 1.0
    assert abs(pairs.x_T.std() - 1) < 0.02
    assert 2.4 < pairs.x_0.std() < 2.7
