"""EDM's zip or folder: what is in it is what is read, and what does not fit is refused by name."""

import io
import json
import lzma
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from published import CIFAR10, published
from tiny_pictures import LABELS, SHAPE, encoded, made, saved

from kdm.datasets.image_folder import ImageFolderData
from storage.options import parse

PICTURES = made()
NAMES = [f"00000/img{index:08d}.png" for index in range(5)]
SOUND = {
    **{name: encoded(picture) for name, picture in zip(NAMES, PICTURES, strict=True)},
    "dataset.json": json.dumps({"labels": list(zip(NAMES, LABELS, strict=True))}).encode(),
}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def unpacked(folder: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return str(folder)


def opened(source: str, **options) -> ImageFolderData:
    return ImageFolderData(source=source, **{"shape": SHAPE, "num_classes": 3, **options})


@pytest.fixture
def source(tmp_path: Path) -> str:
    return written(tmp_path / "set.zip", zipped(SOUND))


def test_a_zip_a_folder_and_a_packed_zip_are_one_set(tmp_path: Path, source: str):
    folder = unpacked(tmp_path / "set", {**SOUND, ".cache": b"hidden files are passed over"})
    packed = written(tmp_path / "set.zip.xz", lzma.compress(zipped(SOUND, zipfile.ZIP_DEFLATED)))
    for data in map(opened, (source, folder, packed)):
        assert np.array_equal(data.train(), PICTURES)
        assert data.labels().tolist() == LABELS
        assert data.digest() == opened(source).digest()


def test_pictures_come_in_the_order_of_their_names(tmp_path: Path):
    names = ["b/1.png", "a/2.png", "a/10.png"]
    files = dict(zip(names, map(encoded, PICTURES), strict=False))
    data = opened(written(tmp_path / "set.zip", zipped(files)), num_classes=None)
    assert np.array_equal(data.train(), PICTURES[[2, 1, 0]])
    assert data.labels() is None


CLASSES = {
    "numbers are themselves": (["10", "2", "2"], 11, [10, 2, 2]),
    "words by their order": (["dog", "cat", "cat"], 2, [1, 0, 0]),
    "as torchvision orders them": (["b", "B", "a"], 3, [2, 0, 1]),
}


@pytest.mark.parametrize(("folders", "num", "labels"), CLASSES.values(), ids=CLASSES)
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "folder"])
def test_without_a_list_of_labels_a_folder_is_a_class(
    tmp_path: Path, folders: list[str], num: int, labels: list[int], is_zip: bool
):
    names = [f"{folder}/deeper/{row}.png" for row, folder in enumerate(folders)]
    files = dict(zip(names, map(encoded, PICTURES), strict=False)) | {
        "Thumbs.db": b"",
        "README": b"",
    }
    source = (
        written(tmp_path / "set.zip", zipped(files))
        if is_zip
        else unpacked(tmp_path / "set", files)
    )
    order = sorted(range(len(names)), key=lambda row: names[row])
    data = opened(source, num_classes=num)
    assert np.array_equal(data.train(), PICTURES[order])
    assert data.labels().tolist() == [labels[row] for row in order]


def test_grey_pictures_and_jpegs_are_read(tmp_path: Path):
    grey = np.full((1, 16, 16), 200, np.uint8)
    files = {
        "a.jpg": encoded(grey, "JPEG"),
        "b.JPEG": encoded(grey, "JPEG"),
        "c.png": encoded(grey),
    }
    data = opened(unpacked(tmp_path / "set", files), shape=(1, 16, 16), num_classes=None)
    assert np.array_equal(data.train(), np.stack([grey] * 3))


def test_larger_pictures_become_smaller_only_if_that_is_asked_for(tmp_path: Path):
    big = made(2, (3, 8, 8)).astype(int)
    files = {f"{row}.png": encoded(each.astype(np.uint8)) for row, each in enumerate(big)}
    source = written(tmp_path / "set.zip", zipped(files))
    with pytest.raises(ValueError, match="is 8×8, the set's shape says 4×4; resize it"):
        opened(source, num_classes=None).train()
    along_rows = (big.reshape(2, 3, 8, 4, 2).sum(4) + 1) // 2
    means = (along_rows.reshape(2, 3, 4, 2, 4).sum(3) + 1) // 2
    found = opened(source, num_classes=None, resize="box").train()
    assert np.array_equal(found, means)  # of two in a row, then of two rows, halves up
    with pytest.raises(ValueError, match="is 8×8, the set's shape says 16×16"):
        opened(source, num_classes=None, resize="box", shape=(3, 16, 16)).train()
    high = unpacked(tmp_path / "high", {"a.png": saved(Image.new("RGB", (6, 8)))})
    with pytest.raises(ValueError, match="is 6×8 and not square; crop it to 6×6"):
        opened(high, num_classes=None, resize="box").train()


def test_pictures_that_fit_are_the_same_set_whether_they_may_become_smaller(source: str):
    data, may = opened(source), opened(source, resize="box")
    assert may.digest() == data.digest()
    assert "resize" not in data.model_dump()


def test_held_out_pictures_leave_the_training_set_by_a_fixed_order(source: str):
    data = opened(source, num_heldout=2)
    whole = [picture.tobytes() for picture in PICTURES]
    parts = [whole.index(each.tobytes()) for each in (*data.train(), *data.heldout())]
    assert parts == [1, 2, 4, 0, 3]  # each stretch sorted
    assert [LABELS[each] for each in parts[3:]] == data.labels("heldout").tolist()


def test_held_out_pictures_may_have_a_source_of_their_own(tmp_path: Path, source: str):
    grown = opened(source, heldout_source=written(tmp_path / "other.zip", zipped(SOUND)))
    assert np.array_equal(grown.heldout(), PICTURES)
    assert grown.digest() != opened(source).digest()


@pytest.mark.parametrize("change", [{"num_heldout": 1}, {"num_classes": 4}, {"num_classes": None}])
def test_what_changes_the_values_changes_the_digest(source: str, change: dict[str, int]):
    assert opened(source, **change).digest() != opened(source).digest()


def test_neither_licence_nor_memory_is_in_the_digest(source: str):
    assert opened(source, license="mit", in_memory_bytes=10**6).digest() == opened(source).digest()


def test_a_set_is_read_once_until_its_file_changes(source: str):
    data = opened(source)
    assert data.train() is data.train()
    before = data.digest()
    Path(source).write_bytes(zipped({**SOUND, NAMES[0]: SOUND[NAMES[1]]}))
    os.utime(source, ns=(1, 1))
    assert data.digest() != before


def test_a_source_is_looked_for_in_the_data_folder(monkeypatch, tmp_path: Path, source: str):
    monkeypatch.setenv("KDM_DATA", str(tmp_path))
    assert len(opened("set.zip").train()) == 5
    with pytest.raises(ValueError, match=r"'other.zip' was not found in .*KDM_DATA"):
        opened("other.zip").train()


def labelled(document: object) -> dict[str, bytes]:
    return {**SOUND, "dataset.json": json.dumps(document).encode()}


def first(data: bytes) -> dict[str, bytes]:
    return {**SOUND, NAMES[0]: data}


def without(name: str) -> dict[str, bytes]:
    return {each: data for each, data in SOUND.items() if each != name}


def changed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ITEMS = list(zip(NAMES, LABELS, strict=True))
WIDE = saved(Image.new("RGB", (8, 4)))
BROKEN = {
    "no labels": (without("dataset.json"), "it lacks dataset.json.* leave num_classes out"),
    "pictures outside of classes": (
        {"a/1.png": b"", "2.png": b""},
        "put each class in its own folder",
    ),
    "too few classes": ({"a/1.png": b"", "b/2.png": b""}, "num_classes is 3, .* are in 2 folders"),
    "a class above": ({"0/1.png": SOUND[NAMES[0]], "3/2.png": SOUND[NAMES[1]]}, "labels are 0 … 2"),
    "null labels": (labelled({"labels": None}), "lacks the list 'labels'"),
    "a list alone": (labelled([]), "lacks the list 'labels'"),
    "not JSON": ({**SOUND, "dataset.json": b"{"}, "not readable JSON"),
    "deep JSON": ({**SOUND, "dataset.json": b"[" * 10**5}, "not readable JSON"),
    "a label too few": (labelled({"labels": ITEMS[1:]}), "lacks the label of, '00000/img00000000"),
    "a label too many": (labelled({"labels": [*ITEMS, ["x", 1]]}), "a picture that isn't there"),
    "a label twice": (labelled({"labels": [*ITEMS, ITEMS[0]]}), "labels a picture twice"),
    "a label of floats": (labelled({"labels": [["a", [0.5]]]}), r"each item is \[name, class\]"),
    "a label above": (labelled({"labels": [*ITEMS[1:], [NAMES[0], 3]]}), "labels are 0 … 2"),
    "a label below": (labelled({"labels": [*ITEMS[1:], [NAMES[0], -1]]}), "labels are 0 … 2"),
    "not square": (first(WIDE), "is 8×4 and not square; crop"),
    "mixed sizes": (first(saved(Image.new("RGB", (8, 8)))), "is 8×8, the set's shape says 4×4"),
    "grey among colour": (first(saved(Image.new("L", (4, 4)))), "has the mode L"),
    "transparent": (first(saved(Image.new("RGBA", (4, 4)))), "has the mode RGBA"),
    "a picture cut off": (first(SOUND[NAMES[0]][:60]), "not a valid PNG or JPEG"),
    "a damaged picture": (first(changed(SOUND[NAMES[0]], 45)), "not a valid PNG or JPEG"),
    "a GIF by another name": (
        first(saved(Image.new("L", (4, 4)), "GIF")),
        "not a valid PNG or JPEG",
    ),
    "a Git LFS pointer": (first(LFS), "img00000000.png: it is a Git LFS pointer"),
    "a page": (first(b"<!DOCTYPE html><html>"), "img00000000.png: it is a web page"),
    "a stranger": ({**SOUND, "a.webp": b""}, "it holds 'a.webp', which isn't"),
    "no picture": ({"dataset.json": b'{"labels": []}'}, "holds no picture"),
}


def require_refused(tmp_path: Path, files: dict[str, bytes], sentence: str, *, is_zip: bool):
    whole = zipped(files, zipfile.ZIP_DEFLATED)
    source = written(tmp_path / "set.zip", whole) if is_zip else unpacked(tmp_path / "set", files)
    with pytest.raises(ValueError, match=sentence) as error:
        opened(source).train()
    assert str(error.value).startswith(source)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("files", "sentence"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "folder"])
def test_a_broken_set_is_refused_in_one_sentence(
    tmp_path: Path, files: dict[str, bytes], sentence: str, is_zip: bool
):
    require_refused(tmp_path, files, sentence, is_zip=is_zip)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A small PNG of four hundred million pixels."""
    return saved(Image.new("1", (20_000, 20_000)))


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "folder"])
def test_a_picture_that_would_unpack_to_very_many_pixels_is_refused(
    tmp_path: Path, bomb: bytes, is_zip: bool
):
    require_refused(tmp_path, first(bomb), "not a valid PNG or JPEG", is_zip=is_zip)


def deep_png() -> bytes:
    """A colour PNG of 4×4 with 16 bits a channel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">2I5B", 4, 4, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(24)) * 4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def lying() -> bytes:
    """A packed 64 MiB that its head and the list of members call 200 bytes."""
    data = zipped({**SOUND, NAMES[0]: bytes(2**26)}, zipfile.ZIP_DEFLATED)
    return data.replace((2**26).to_bytes(4, "little"), (200).to_bytes(4, "little"))


DAMAGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "16 bits a channel": (lambda: zipped(first(deep_png())), "16 bits a channel"),
    "not a zip": (lambda: b"PK\3\4" + bytes(100), "not a valid zip file"),
    "empty": (lambda: b"", "it is empty"),
    "a Git LFS pointer": (lambda: LFS, "it is a Git LFS pointer"),
    "cut off": (lambda: zipped(SOUND)[:-200], "not a valid zip file"),
    "a wrong checksum": (lambda: changed(zipped(SOUND), 80), "img00000000.png is damaged"),
    "a name that leads out": (lambda: zipped({**SOUND, "../a.png": b""}), "which leads out"),
    "a name from the root": (lambda: zipped({**SOUND, "/a.png": b""}), "which leads out"),
    "another method": (lambda: zipped(SOUND, zipfile.ZIP_BZIP2), "packed in an unusual way"),
    "a packed bomb": (
        lambda: zipped({**SOUND, NAMES[0]: bytes(2**26)}, zipfile.ZIP_DEFLATED),
        "has 67,108,864 bytes; at most",
    ),
    "a bomb that lies": (lying, "img00000000.png is damaged"),
}


@pytest.mark.parametrize(("data", "sentence"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_zip_is_refused_by_name_in_a_second(
    tmp_path: Path, data: Callable[[], bytes], sentence: str
):
    source = written(tmp_path / "set.zip", data())
    begun = time.process_time()
    with pytest.raises(ValueError, match=rf"set.zip: .*{sentence}"):
        opened(source).train()
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("data", [b"", b"no xz", lzma.compress(zipped(SOUND))[:-30]])
def test_a_broken_xz_is_refused(tmp_path: Path, data: bytes):
    with pytest.raises(ValueError, match=r"fetch (it|the file) again"):
        opened(written(tmp_path / "set.zip.xz", data)).train()


def test_an_xz_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kdm.datasets.image_folder._MAX_UNPACKED_BYTES", 2**20)
    with pytest.raises(ValueError, match="unpacks to more than 1,048,576 bytes"):
        opened(written(tmp_path / "set.zip.xz", lzma.compress(bytes(2**24)))).train()


def test_two_files_of_one_name_are_refused(tmp_path: Path):
    data = zipped({**SOUND, "00000/img0000000X.png": b""}).replace(b"img0000000X", b"img00000000")
    with pytest.raises(ValueError, match="two files in it have one name"):
        opened(written(tmp_path / "set.zip", data)).train()


def test_a_set_larger_than_its_memory_is_refused(source: str):
    with pytest.raises(ValueError, match="more than in_memory_bytes, 100; raise that"):
        opened(source, in_memory_bytes=100).train()


def test_a_set_without_held_out_pictures_says_how_to_have_some(source: str):
    with pytest.raises(ValueError, match=r"doesn't have held-out pictures; give num_heldout"):
        opened(source).heldout()
    with pytest.raises(ValueError, match=r"num_heldout is 5, .* has 5 pictures"):
        opened(source, num_heldout=5).train()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"shape": (3, 4, 5)}, "pictures are square"),
        ({"shape": (2, 4, 4)}, "pictures have 1 .* or 3"),
        ({"num_heldout": 1, "heldout_source": "b.zip"}, "not both"),
        ({"resolution": 4}, "unknown key 'resolution'"),
    ],
)
def test_options_that_fit_no_set_are_refused(options: dict[str, object], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        parse(ImageFolderData, {"source": "a.zip", "shape": SHAPE, **options}, "data set")


def test_the_real_test_pictures_of_cifar_are_read():
    data = opened(str(published(CIFAR10)), shape=(3, 32, 32), num_classes=10)
    assert data.train().shape == (10_000, 3, 32, 32)
    assert np.bincount(data.labels()).tolist() == [1000] * 10
    assert 118 < data.train().mean() < 123  # the set's mean is 121
