"""Pairs as z0.npy and z1.npy: what goes out comes back, and both layouts of folders are read."""

from pathlib import Path

import numpy as np
import pytest
from conftest import filled_store
from published_sets import KDM_LAYOUTS, Made, made, one_hot, write_kdm

from storage.exporters.as_rectified_flow import export_rectified_flow
from storage.exporters.export import Chosen
from storage.folders import Folder, folder_at
from storage.importers import import_pairs, importer_of
from storage.store import PairStore

NUM = 30


def imported(importer: str, home: Folder, source: Path, **options) -> PairStore:
    result = import_pairs(importer, source, home, name="set", layout="wds-64", **options)
    return PairStore.open(result.folder, split="train", layout="wds-64")


def written(folder: Path, pairs: Made, **labels: np.ndarray) -> Path:
    """As the published code does: np.save of both ends."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "z0.npy", pairs.x_T)
    np.save(folder / "z1.npy", pairs.x_0)
    for name, label in labels.items():
        np.save(folder / f"{name}.npy", label)
    return folder


@pytest.mark.parametrize("layout", ["cifar", "cifar-cond"])
def test_an_export_comes_back_with_equal_content(home: Folder, tmp_path: Path, layout: str) -> None:
    source = write_kdm(tmp_path / "set", made(NUM), KDM_LAYOUTS[layout])
    store, out = imported("kdm-npz", home, source), tmp_path / "out"
    assert export_rectified_flow(Chosen.of(store, NUM), folder_at(str(out))) == NUM
    assert np.array_equal(np.load(out / "z0.npy"), store.load(NUM).pairs.x_T)
    again = imported(importer_of(out), home / "again", out)
    assert again.content_digests(NUM) == store.content_digests(NUM)
    assert again.schema == store.schema


def test_points_and_what_a_mask_drops(home: Folder, tmp_path: Path) -> None:
    store, out = filled_store(home / "set"), tmp_path / "out"
    assert (
        export_rectified_flow(Chosen.of(store, 1000), folder_at(str(out))) == 999
    )  # 7 was dropped
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}
    export_rectified_flow(Chosen.of(store, 1000), folder_at(str(out)))
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}
    again = imported("rectified-flow", home / "again", out).load(999).pairs
    assert np.array_equal(again.x_T, store.load(1000).pairs.x_T)


def test_folders_of_seeds_are_one_set_in_the_order_of_their_numbers(
    home: Folder, tmp_path: Path
) -> None:
    pairs = made(NUM, scale=1.0)
    root = tmp_path / "root"
    for rows, seed in ((slice(0, 10), "9"), (slice(10, NUM), "10")):
        written(root / seed, Made(pairs.x_T[rows], pairs.x_0[rows], pairs.label[rows]))
    assert importer_of(root) == "rectified-flow"
    store = imported("rectified-flow", home, root)
    found = store.load(NUM).pairs
    assert np.array_equal(found.x_T, pairs.x_T)
    assert np.array_equal(found.x_0, pairs.x_0)
    assert store.schema.noise.scale == 1


def test_the_numbers_decide_which_array_is_noise(home: Folder, tmp_path: Path) -> None:
    pairs = made(NUM, scale=1.0)
    turned = written(tmp_path / "set", Made(pairs.x_0, pairs.x_T, pairs.label))
    found = imported("rectified-flow", home, turned).load(NUM).pairs
    assert np.array_equal(found.x_T, pairs.x_T)
    with pytest.raises(ValueError, match="stated to be first, but the numbers say that it is last"):
        imported("rectified-flow", home, turned, noise_end="first")


PAIRS = made(NUM, scale=1.0)
BROKEN = {
    "one array": ({"z0": PAIRS.x_T}, "lacks z1.npy; restore it"),
    "another length": (
        {"z0": PAIRS.x_T[1:], "z1": PAIRS.x_0},
        r"are \['float32 \[29, .* one shape",
    ),
    "bytes": ({"z0": PAIRS.x_T, "z1": PAIRS.x_0.astype(np.uint8)}, "uint8.*expected floats"),
    "a stranger": ({"z0": PAIRS.x_T, "z1": PAIRS.x_0, "t0": PAIRS.x_0}, "'t0.npy', which isn't"),
    "classes as numbers": (
        {"z0": PAIRS.x_T, "z1": PAIRS.x_0, "label": PAIRS.label},
        r"labels \[n, classes\]",
    ),
    "objects": ({"z0": np.array([{}], object), "z1": PAIRS.x_0}, "not that of a plain array"),
    "columns first": ({"z0": PAIRS.x_T, "z1": np.asfortranarray(PAIRS.x_0)}, "row after row"),
    "no arrays": ({"x": PAIRS.x_T}, "holds 'x.npy'; it must hold z0.npy and z1.npy, or folders"),
}


@pytest.mark.parametrize(("arrays", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_such_set_is_refused_in_one_sentence(
    home: Folder, tmp_path: Path, arrays: dict[str, np.ndarray], sentence: str
) -> None:
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=sentence) as error:
        imported("rectified-flow", home, tmp_path)
    assert "\n" not in str(error.value)


def test_classes_come_with_the_pairs(home: Folder, tmp_path: Path) -> None:
    source = written(tmp_path / "set", PAIRS, label=one_hot(PAIRS.label))
    (source / "stdout.log").write_text("what such a run prints")
    store = imported("rectified-flow", home, source)
    assert np.array_equal(store.load(NUM).pairs.label, PAIRS.label)
