"""x_0 alone as PNGs and as an .npz: what evaluation tools read is what is stored."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import filled_store
from PIL import Image
from published_sets import KDM_LAYOUTS, made, on_grid, write_kdm

from kdm.datasets.arrays import ArraysData
from kdm.datasets.image_folder import ImageFolderData
from storage.errors import MismatchError
from storage.exporters.as_pictures import export_npz, export_png
from storage.exporters.export import Chosen
from storage.exporters.images import Images, put_png, write_npz
from storage.exporters.picture_bytes import as_images
from storage.folders import Folder, folder_at
from storage.importers import import_pairs
from storage.store import PairStore

NUM = 20
EXPORTS = [export_png, export_npz]


def at(path: Path) -> Folder:
    return folder_at(str(path))


def stored(home: Folder, tmp_path: Path, **options: object) -> PairStore:
    pairs = made(NUM)
    pairs.x_0 = on_grid(pairs.x_0)
    source = write_kdm(tmp_path / "set", pairs, KDM_LAYOUTS["cifar-cond"])
    result = import_pairs("kdm-npz", source, home, name="set", layout="wds-16", **options)
    return PairStore.open(result.folder, split="train", layout="wds-16")


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_exported_pictures_are_read_as_a_data_set_of_the_same_bytes_and_classes(
    home: Folder, tmp_path: Path, dtype: str
) -> None:
    store = stored(home, tmp_path, x_0_dtype=dtype)
    for export in EXPORTS:
        assert export(Chosen.of(store, NUM), at(tmp_path / export.__name__)) == NUM
    options = {"shape": (3, 32, 32), "num_classes": 10}
    folder = ImageFolderData(source=str(tmp_path / "export_png"), **options)
    array = ArraysData(source=str(tmp_path / "export_npz" / "train.npz"), **options)
    pairs = store.load(NUM).pairs
    assert folder.digest() == array.digest()
    assert np.array_equal(folder.train(), as_images(pairs.x_0, "half-even"))
    assert np.array_equal(folder.labels(), pairs.label)


def test_plain_numpy_and_pillow_read_them(home: Folder, tmp_path: Path) -> None:
    store = stored(home, tmp_path, x_0_dtype="uint8")
    for export in EXPORTS:
        export(Chosen.of(store, 5), at(tmp_path / "out" / export.__name__))
    arrays = np.load(tmp_path / "out" / "export_npz" / "train.npz")
    assert arrays["arr_0"].shape == (5, 32, 32, 3)
    assert arrays["arr_1"].tolist() == store.load(NUM).pairs.label[:5].tolist()
    with Image.open(tmp_path / "out" / "export_png" / "000000003.png") as picture:
        assert np.array_equal(np.asarray(picture), arrays["arr_0"][3])


@pytest.mark.parametrize("export", EXPORTS)
def test_a_stopped_export_of_pictures_goes_on_and_leaves_what_is_there(
    home: Folder, tmp_path: Path, export
) -> None:
    store, out = stored(home, tmp_path, x_0_dtype="uint8"), tmp_path / "out"
    export(Chosen.of(store, NUM), at(out))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}
    last = max(path for path in before if not path.name.startswith("."))
    last.write_bytes(b"cut off")
    export(Chosen.of(store, NUM), at(out))
    assert {path: path.read_bytes() for path in out.iterdir()} == {
        path: data for path, (data, _) in before.items()
    }
    assert all(
        path.stat().st_mtime_ns == time for path, (_, time) in before.items() if path != last
    )
    other = export_npz if export is export_png else export_png
    with pytest.raises(MismatchError, match="an export of other layout"):
        other(Chosen.of(store, NUM), at(out))


@pytest.mark.parametrize("export", EXPORTS)
def test_what_is_no_picture_is_refused_before_a_file_is_made(
    home: Folder, tmp_path: Path, export
) -> None:
    with pytest.raises(ValueError, match=r"has shape \[2\], and a picture .* --to per-sample"):
        export(Chosen.of(filled_store(home / "set"), 100), at(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_numbers_become_bytes_by_the_two_rules_of_rounding() -> None:
    x_0 = np.float32([[-2, -1, 0, 1, 2]])
    assert as_images(x_0, "half-even").tolist() == [[0, 0, 128, 255, 255]]
    tie = np.float32([[0.5 / 127.5 * 2]])  # 128.0 + .5: half-even goes down, floor of + 128 up
    assert (as_images(tie, "half-even"), as_images(tie, "floor")) == (128, 129)


@pytest.mark.parametrize("num_channels", [1, 3])
def test_grey_and_colour_come_back(tmp_path: Path, num_channels: int) -> None:
    values = np.arange(2 * num_channels * 16, dtype=np.uint8).reshape(2, num_channels, 4, 4)
    images = Images(np.array([3, 12]), values, None)
    put_png(at(tmp_path / "out"), [images])
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        "000000003.png",
        "000000012.png",
    ]
    data = ImageFolderData(source=str(tmp_path / "out"), shape=(num_channels, 4, 4))
    assert np.array_equal(data.train(), values)
    file = io.BytesIO()
    write_npz(file, [images], num=2, shape=(num_channels, 4, 4))
    file.seek(0)
    assert np.array_equal(np.load(file)["arr_0"], values.transpose(0, 2, 3, 1))
