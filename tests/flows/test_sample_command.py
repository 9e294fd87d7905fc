"""`kdm sample` of pictures: labels, precision and what it is refused."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from published_students import LABELLED, SMALL, student
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.sample import classes_of
from kdm.datasets.arrays import ArraysData
from kdm.datasets.image_folder import ImageFolderData
from kdm.export import load_student, write_model
from kdm.published.student_options import schema_of, student_of
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.regression_student import RegressionStudent
from kdm.students.student import Student
from storage.errors import DamageError, StoreError
from storage.folders import Folder, folder_at
from storage.plugins import describe

Said = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A trained student of three classes, or so it looks."""
    keywords = {**SMALL, **LABELLED}
    schema, plugin = schema_of(keywords), student_of(keywords, is_factorised=False)
    config = {
        "group": "kdm.students",
        "model": describe(plugin),
        "schema": schema.model_dump(mode="json"),
    }
    folder = folder_at(str(tmp_path / "student"))
    write_model(folder, student(**LABELLED).state_dict(), config=config)
    return folder


def sampled(folder: Folder, tmp_path: Path, *words: str) -> np.ndarray:
    out = tmp_path / "out.npy"
    ended = CliRunner().invoke(app, ["sample", folder.url, "-n", "5", "--out", str(out), *words])
    assert ended.exit_code == 0, ended.exception
    return np.load(io.BytesIO(out.read_bytes()))


def refused(folder: Folder, *words: str) -> str:
    error = CliRunner().invoke(app, ["sample", folder.url, *words]).exception
    assert isinstance(error, ValueError), error
    return str(error)


def test_samples_are_of_the_classes_that_are_named_in_turn(folder: Folder, tmp_path: Path) -> None:
    each = sampled(folder, tmp_path)  # by the pairs' own rule: 0, 1, 2, 0, 1
    assert np.array_equal(sampled(folder, tmp_path, "--label", "all"), each)
    twos = sampled(folder, tmp_path, "--label", "2")
    assert np.array_equal(twos[2], each[2])
    assert not np.allclose(twos[0], each[0])
    mixed = sampled(folder, tmp_path, "--label", "2,1")
    assert np.array_equal(mixed[[0, 1, 2, 4]], [twos[0], each[1], twos[2], twos[4]])


def test_a_grid_is_as_near_to_a_square_as_can_be(folder: Folder, tmp_path: Path) -> None:
    place = tmp_path / "grid.png"
    ended = CliRunner().invoke(app, ["sample", folder.url, "-n", "5", "--grid", str(place)])
    assert f"5 samples: {place}" in ended.output
    with Image.open(place) as picture:
        assert picture.size == (3 * 68 + 4, 2 * 68 + 4)
        assert picture.getpixel((3 * 68, 2 * 68)) == (255, 255, 255)


def test_samples_go_out_as_the_pictures_that_evaluation_tools_read(
    folder: Folder, tmp_path: Path
) -> None:
    x_0 = sampled(folder, tmp_path)
    colours = np.rint(x_0 * np.float32(127.5) + np.float32(127.5)).clip(0, 255)
    words = ["sample", folder.url, "-n", "5", "--out"]
    for out in (f"{tmp_path}/pngs/", f"{tmp_path}/new/five.npz"):
        before: dict[Path, bytes] = {}
        for _ in range(2):  # again, with equal bytes
            ended = CliRunner().invoke(app, [*words, out])
            assert ended.exit_code == 0, ended.exception
            files = {
                file: file.read_bytes() for file in Path(out).parent.rglob("*") if file.is_file()
            }
            assert before in ({}, files)
            before = files
        with pytest.raises(StoreError, match=r"holds an export of other seed|something else"):
            CliRunner().invoke(app, [*words, out, "--seed", "1"], catch_exceptions=False)
    shape, num_classes = x_0.shape[1:], LABELLED["label_dim"]
    pngs = ImageFolderData(source=f"{tmp_path}/pngs", shape=shape, num_classes=num_classes)
    array = ArraysData(source=f"{tmp_path}/new/five.npz", shape=shape, num_classes=num_classes)
    assert pngs.labels().tolist() == array.labels().tolist() == [0, 1, 2, 0, 1]
    assert np.array_equal(pngs.train(), colours)
    assert np.array_equal(array.train(), colours)


def test_what_lies_where_pictures_are_to_go_is_never_replaced(
    folder: Folder, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    np.savez(tmp_path / "mine" / "reference.npz", arr_0=np.zeros((5, 8, 8, 3), np.uint8))
    before = (tmp_path / "mine" / "reference.npz").read_bytes()
    for out in ("mine", "mine/", "mine/reference.npz"):
        with pytest.raises(StoreError, match=r"which no export wrote|something else"):
            CliRunner().invoke(
                app, ["sample", folder.url, "--out", f"{tmp_path}/{out}"], catch_exceptions=False
            )
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["reference.npz"]
    assert (tmp_path / "mine" / "reference.npz").read_bytes() == before


def test_bfloat16_is_near(folder: Folder, tmp_path: Path) -> None:
    exact = sampled(folder, tmp_path)
    near = sampled(folder, tmp_path, "--precision", "bfloat16")
    assert 1e-5 < np.abs(near - exact).max() < 0.1 * np.abs(exact).max()


def test_what_cannot_be_sampled_is_refused_in_a_sentence(folder: Folder) -> None:
    for words, sentence in (
        (("--label", "3"), "knows the classes 0 … 2; give one, several as in 0,1 or 'all'"),
        (("--label", "0,-1"), "knows the classes 0 … 2"),
        (("--label", "cat"), "knows the classes 0 … 2"),
        (("--precision", "float8"), "precision is 'float8'; choose float32 or bfloat16"),
        (("--grid", "grid.npy"), "ends in .png"),
        (("--out", "samples"), "or a folder of PNGs with a '/' at its end"),
        ((), "name a picture with --grid or a file with --out"),
    ):
        assert sentence in refused(folder, *words)
    with pytest.raises(ValueError, match="isn't class-conditional; leave --label out"):
        classes_of("1", 0, "student")


def test_a_student_is_its_config_and_its_weights(folder: Folder, tmp_path: Path) -> None:
    assert folder.names() == ["config.json", "model.safetensors"]
    for found in (
        Student.from_pretrained(tmp_path / "student"),
        KoopmanStudent.from_pretrained(folder.url, precision="bfloat16"),
        load_student(folder),
    ):
        assert not found.training
        assert not any(each.requires_grad for each in found.parameters())
    with pytest.raises(ValueError, match="holds a KoopmanStudent, not a RegressionStudent"):
        RegressionStudent.from_pretrained(folder.url)


def test_weights_that_were_changed_are_refused(folder: Folder) -> None:
    damaged = bytearray(folder.read("model.safetensors"))
    damaged[-1] ^= 1
    folder.replace("model.safetensors", bytes(damaged))
    with pytest.raises(DamageError, match="is not what config"):
        Student.from_pretrained(folder.url)
