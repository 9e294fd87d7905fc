"""Arrays of pictures: every usual order of axes, and nothing but bytes with whole labels."""

import io
from pathlib import Path

import numpy as np
import pytest
from tiny_pictures import LABELS, SHAPE, encoded, made

from kdm.datasets.arrays import ArraysData
from kdm.datasets.image_folder import ImageFolderData
from storage.options import parse

PICTURES = made()
CLASSES = np.array(LABELS)


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def opened(path: Path, data: bytes, **options) -> ArraysData:
    path.write_bytes(data)
    return ArraysData(source=str(path), **{"shape": SHAPE, "num_classes": 3, **options})


@pytest.mark.parametrize("images", [PICTURES, PICTURES.transpose(0, 2, 3, 1)])
def test_channels_may_stand_first_or_last(tmp_path: Path, images: np.ndarray):
    data = opened(tmp_path / "set.npz", npz(images=images, labels=CLASSES.astype(np.uint8)))
    assert np.array_equal(data.train(), PICTURES)
    assert data.labels().dtype == np.int64
    assert data.labels().tolist() == LABELS


def test_names_of_guided_diffusions_samples_are_read(tmp_path: Path):
    batch = npz(arr_0=PICTURES.transpose(0, 2, 3, 1), arr_1=CLASSES, mu=np.zeros(3))
    data = opened(tmp_path / "samples.npz", batch)
    assert np.array_equal(data.train(), PICTURES)
    assert data.labels().tolist() == LABELS


def test_grey_pictures_need_no_axis_of_channels(tmp_path: Path):
    grey = PICTURES[:, 0]
    data = opened(tmp_path / "set.npy", npy(grey), shape=(1, 4, 4), num_classes=None)
    assert np.array_equal(data.train(), grey[:, None])
    assert data.labels() is None


def test_the_order_of_bytes_in_the_file_changes_nothing(tmp_path: Path):
    turned = opened(tmp_path / "a.npy", npy(np.asfortranarray(PICTURES)), num_classes=None)
    assert np.array_equal(turned.train(), PICTURES)


def test_an_array_and_a_folder_of_the_same_pictures_have_one_digest(tmp_path: Path):
    folder = tmp_path / "set"
    folder.mkdir()
    for row, picture in enumerate(PICTURES):
        (folder / f"{row}.png").write_bytes(encoded(picture))
    files = ImageFolderData(source=str(folder), shape=SHAPE)
    array = opened(tmp_path / "set.npy", npy(PICTURES), num_classes=None)
    assert array.digest() == files.digest()


BROKEN = {
    "no labels": ("npz", npz(images=PICTURES), "it lacks 'labels'.* leave num_classes out"),
    "no labels in a npy": ("npy", npy(PICTURES), "it lacks 'labels'"),
    "no images": ("npz", npz(x=PICTURES), "it lacks 'images' or 'arr_0' .found x.npy"),
    "statistics alone": (
        "npz",
        npz(mu=PICTURES, sigma=PICTURES),
        "of features .* no picture; give",
    ),
    "two names": ("npz", npz(images=PICTURES, arr_0=PICTURES), "both 'images' and 'arr_0'"),
    "floats": ("npz", npz(images=PICTURES / 255, labels=CLASSES), "are float64; save bytes"),
    "another size": ("npz", npz(images=made(5, (3, 8, 8))), r"are \[5, 3, 8, 8\], the set's shape"),
    "not square": ("npz", npz(images=made(5, (3, 4, 8))), "crop and resize"),
    "other channels": ("npz", npz(images=made(5, (1, 4, 4))), "correct the shape"),
    "a number alone": ("npy", npy(np.uint8(3)), "correct the shape"),
    "none": ("npz", npz(images=PICTURES[:0], labels=CLASSES[:0]), "holds no picture"),
    "a label above": ("npz", npz(images=PICTURES, labels=CLASSES + 1), "picture 2 has the label 3"),
    "a label below": ("npz", npz(images=PICTURES, labels=CLASSES - 1), "the label -1"),
    "labels of floats": ("npz", npz(images=PICTURES, labels=CLASSES * 1.0), "labels are float64"),
    "labels too few": ("npz", npz(images=PICTURES, labels=CLASSES[1:]), "a whole number for each"),
    "a pickled object": ("npz", npz(images=np.array([{}, 1], object)), "not that of a plain array"),
    "a pickle": ("npy", b"\x80\x04.", "not a .npy"),
    "cut off": ("npy", npy(PICTURES)[:-1], "there are 239"),
    "no zip": ("npz", b"PK\3\4" + bytes(100), "zip"),
    "an unknown ending": ("mat", npy(PICTURES), "not a .npy or .npz"),
}


@pytest.mark.parametrize(("suffix", "data", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_array_is_refused_in_one_sentence(
    tmp_path: Path, suffix: str, data: bytes, sentence: str
):
    with pytest.raises(ValueError, match=rf"set.{suffix}.*{sentence}"):
        opened(tmp_path / f"set.{suffix}", data).train()


@pytest.mark.parametrize(
    ("name", "data"), [("a.npy", npy(PICTURES)), ("a.npz", npz(images=PICTURES))]
)
def test_a_set_larger_than_its_memory_is_refused(tmp_path: Path, name: str, data: bytes):
    with pytest.raises(ValueError, match="more than in_memory_bytes, 100"):
        opened(tmp_path / name, data, in_memory_bytes=100).train()


def test_the_arrays_are_read_by_their_kind():
    document = {"kind": "arrays", "source": "a.npz", "shape": [3, 4, 4]}
    assert parse(ArraysData, document, "data set").shape == SHAPE
