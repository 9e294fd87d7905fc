"""What a network saw is kept batch by batch: killed passes go on, damaged batches are made again."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from kdm.evaluate.kept_features import KeptFeatures
from storage.folders import Folder, folder_at

PICTURES = np.arange(25 * 12, dtype=np.int64).astype(np.uint8).reshape(25, 3, 2, 2)
VIEW = {"network": "net.pt", "sha256": "0" * 64, "mode": "clean"}


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kdm.evaluate.kept_features._BATCH", 10)


def seen(home: Folder, looked: list[int], *, ends_at: int = 99) -> np.ndarray:
    def look(pictures):
        looked.append(len(pictures))
        if len(looked) > ends_at:
            raise KeyboardInterrupt
        return pictures.reshape(len(pictures), -1).astype(np.float32)

    kept = KeptFeatures(home, PICTURES, of="samples", view=VIEW)
    return kept.look(look, num_features=lambda: 8).features[:]


@pytest.mark.usefixtures("_small_batches")
def test_a_pass_that_was_stopped_goes_on_after_its_last_batch(home: Folder, tmp_path: Path):
    looked: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        seen(home, looked, ends_at=2)
    again = seen(home, looked)
    assert looked == [10, 10, 5, 5]
    assert np.array_equal(again, seen(folder_at(str(tmp_path / "whole")), []))
    assert np.array_equal(again, PICTURES.reshape(25, -1)[:, :8])


@pytest.mark.usefixtures("_small_batches")
def test_only_a_damaged_batch_is_looked_at_again(home: Folder):
    whole = seen(home, [])
    (thing,) = (home / "features").names()
    folder = home / "features" / thing
    name = next(each for each in folder.names() if each.startswith("00001-"))
    data = bytearray(folder.read(name))
    data[-3] ^= 1
    folder.replace(name, bytes(data))
    looked: list[int] = []
    assert np.array_equal(seen(home, looked), whole)
    assert looked == [10]


@pytest.mark.usefixtures("_small_batches")
def test_a_picture_without_finite_features_is_named_with_its_network(home: Folder):
    def look(pictures):
        found = np.zeros((len(pictures), 8), np.float32)
        found[pictures[:, 0, 0, 0] == PICTURES[13, 0, 0, 0], 2] = np.nan
        return found

    kept = KeptFeatures(home, PICTURES, of="samples", view=VIEW)
    with pytest.raises(ValueError, match=r"net.pt .* NaN or Inf for picture 13 of samples"):
        kept.look(look, num_features=lambda: 8)


@pytest.mark.usefixtures("_small_batches")
def test_a_killed_pass_ends_with_the_rows_of_one_that_was_never_killed(home: Folder):
    child = os.fork()
    if child == 0:
        kept = KeptFeatures(home, PICTURES, of="samples", view=VIEW)
        kept.look(killed_at_last, num_features=lambda: 8)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert len([name for name in (home / "features").files() if name.endswith(".npy")]) == 2
    looked: list[int] = []
    assert np.array_equal(seen(home, looked), PICTURES.reshape(25, -1)[:, :8])
    assert looked == [5]


def killed_at_last(pictures: np.ndarray) -> np.ndarray:
    if len(pictures) < 10:
        os.kill(os.getpid(), signal.SIGKILL)
    return pictures.reshape(len(pictures), -1).astype(np.float32)
