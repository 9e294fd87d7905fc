"""A Git LFS pointer or a page in the place of arrays is named, and nobody is advised to unpickle it."""

from pathlib import Path

import numpy as np
import pytest

from storage.folders import folder_at
from storage.importers import import_pairs
from storage.importers.torch_files import tensors_in
from storage.inert.zips import members_of

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (LFS, "it is a Git LFS pointer"),
        (b"<!doctype html><html>", "it is a web page"),
        (b"", "it is empty"),
        (b"\x80\x04K\x05.", "it does not begin as a .npy"),
        (b"\x93NUMPY\x01\x00", "it is cut off or holds Python objects"),
    ],
)
def test_what_is_no_npy_is_named_without_numpys_advice(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as refused:
        import_pairs(
            "kdm-checkerboard", tmp_path / "x.npy", folder_at(str(tmp_path / "home")), name="x"
        )
    assert "pickle" not in str(refused.value)


def test_objects_of_python_in_a_npy_are_refused_without_numpys_advice(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="holds Python objects") as refused:
        import_pairs(
            "kdm-checkerboard", tmp_path / "x.npy", folder_at(str(tmp_path / "home")), name="x"
        )
    assert "pickle" not in str(refused.value)


def test_a_pointer_in_the_place_of_tensors_or_of_a_npz_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(LFS)
    with pytest.raises(ValueError, match="Git LFS pointer"):
        tensors_in(tmp_path / "x.pt")
    with pytest.raises(ValueError, match="Git LFS pointer"), (tmp_path / "x.pt").open("rb") as file:
        members_of(file)
