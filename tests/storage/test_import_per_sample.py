"""The tars that an export wrote come back whole, and what was changed in them is named."""

from pathlib import Path

import numpy as np
import pytest
from conftest import filled_store
from published_sets import KDM_LAYOUTS, made, write_kdm

from storage.exporters.as_per_sample import export_per_sample
from storage.exporters.export import Chosen
from storage.folders import Folder, folder_at
from storage.importers import import_pairs, importer_of
from storage.store import PairStore

NUM = 30


def imported(importer: str, home: Folder, source: Path, **options) -> PairStore:
    result = import_pairs(importer, source, home, name="set", layout="wds-64", **options)
    return PairStore.open(result.folder, split="train", layout="wds-64")


@pytest.fixture
def exported(home: Folder, tmp_path: Path) -> tuple[PairStore, Path]:
    """A set with classes and two states, and its export in three tars."""
    pairs = made(NUM)
    between = np.stack([0.5 * pairs.x_T, 0.1 * pairs.x_T], axis=1)
    source = write_kdm(tmp_path / "set", pairs, KDM_LAYOUTS["cifar-cond"], between=between)
    store = imported("kdm-npz", home, source, keep_states=True)
    export_per_sample(Chosen.of(store, NUM), folder_at(str(tmp_path / "out")), samples_a_tar=12)
    return store, tmp_path / "out"


def test_an_export_comes_back_with_equal_content(
    home: Folder, exported: tuple[PairStore, Path]
) -> None:
    store, out = exported
    assert importer_of(out) == "per-sample"
    again = imported("per-sample", home / "again", out, keep_states=True, num_classes=10)
    assert again.content_digests(NUM) == store.content_digests(NUM)
    assert again.schema == store.schema
    plain = imported("per-sample", home / "plain", out, num_classes=10).load(NUM).pairs
    assert plain.states is None
    assert np.array_equal(plain.label, store.load(NUM).pairs.label)


def test_points_come_back_but_for_dropped_indices(home: Folder, tmp_path: Path) -> None:
    store = filled_store(home / "set")
    export_per_sample(Chosen.of(store, 600), folder_at(str(tmp_path / "out")), samples_a_tar=300)
    again = imported("per-sample", home / "again", tmp_path / "out").load(599).pairs
    assert np.array_equal(again.x_T, store.load(600).pairs.x_T)
    assert np.array_equal(again.x_0, store.load(600).pairs.x_0)


DAMAGES = {
    "a head of zeros": (0, bytes(512), "is damaged at byte 0"),
    "another name": (0, b"x", r"isn't a plain file|lacks x_T or x_0"),
    "a link": (156, b"2", "which isn't a plain file"),
    "a size beyond the file": (124, b"77777777777", "more than there are or are read"),
    "a header to evaluate": (512 + 10, b"(exit", "not that of a plain array"),
}


@pytest.mark.parametrize(("place", "data", "sentence"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_tar_is_refused_by_name(
    home: Folder, exported: tuple[PairStore, Path], place: int, data: bytes, sentence: str
) -> None:
    tar = max(exported[1].glob("*.tar"))
    content = bytearray(tar.read_bytes())
    content[place : place + len(data)] = data
    tar.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{tar.name}.*({sentence})|{sentence}"):
        imported("per-sample", home / "again", exported[1], num_classes=10)


def test_what_it_cannot_know_is_asked(home: Folder, exported: tuple[PairStore, Path]) -> None:
    for options, sentence in (
        ({}, "says how many classes there are; add --set num_classes=N"),
        ({"num_classes": 3}, "and num_classes is 3: labels are 0 … 2; correct num_classes"),
    ):
        with pytest.raises(ValueError, match=sentence):
            imported("per-sample", home / "again", exported[1], **options)
    (exported[1] / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"holds 'notes.txt', which isn't a \.tar"):
        imported("per-sample", home / "again", exported[1], num_classes=10)
    assert not (home / "again").exists()
