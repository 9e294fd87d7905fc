"""Pairs as data/generate.py of GET writes them (Geng et al. 2023, locuslab/get): pickled tensors.

`latent/LASTSEED.pkl` and `image/LASTSEED.pkl` hold up to 50 batches each, by torch.save; rows are the
files in the order of their numbers, as its loader takes them. By class, the latent file is a list:
latents and one-hot labels. The files are read without unpickling (see `pickles`).

Latents are saved before EDM's sampler multiplies them by its largest noise level, σ = 80, so x_T is
the sampler's start only after `noise_scale=80`. Their variance of one cannot tell that factor (80,
80.2037 or .02-limited nets), and they are a right pair as they are for students that, like GET, take
unit noise. So the default is what is found, scale 1, and nothing is multiplied in silence. Images
without classes are float64; they are cast to float32, the widest type of a store.
"""

import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np

from storage.importers.one_hot import classes_of
from storage.importers.published import PublishedRows
from storage.importers.torch_files import TensorRows, tensors_in

_NAME = re.compile(r"\d{1,12}\.pkl")
_FOLDERS = ("image", "latent")
_RIGHT = "right are floats of one shape [n, ...] and labels [n, classes] or none"


class _Part(NamedTuple):
    """The pairs of two files of one name."""

    name: str
    latent: TensorRows
    image: TensorRows
    label: TensorRows | None

    def rows(self, first: int, last: int) -> PublishedRows:
        """Rows of these files, labels one-hot as they are saved."""
        label = None if self.label is None else self.label.rows(first, last)
        return PublishedRows(
            self.latent.rows(first, last), self.image.rows(first, last), None, label
        )


@dataclass(frozen=True)
class GetFolder:
    """A folder with `latent` and `image` as rows, read as few at a time as are asked for."""

    importer: ClassVar[str] = "get"
    version: ClassVar[int] = 1

    folder: Path
    parts: tuple[_Part, ...]
    ends: tuple[int, ...]  # the row after the last of each part
    source_digest: str

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The set in a folder; every file's description is read and checked, no number yet."""
        names = _names(folder)
        digest = _digest(folder, names)
        parts = tuple(_part(folder, name) for name in names)
        for part in parts:
            _require_same(folder, parts[0], part)
        ends = tuple(accumulate(len(part.latent) for part in parts))
        return cls(folder, parts, ends, digest)

    @property
    def num_pairs(self) -> int:
        """Rows of all files."""
        return self.ends[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one latent and of one image."""
        return self.parts[0].latent.shape[1:]

    @property
    def num_between(self) -> int:
        """GET saves no states."""
        return 0

    @property
    def num_classes(self) -> int | None:
        """Length of the one-hot labels."""
        label = self.parts[0].label
        return None if label is None else label.shape[1]

    def place(self, row: int) -> str:
        """The file of a pair and its row there."""
        part = bisect_right(self.ends, row)
        own = row - (self.ends[part - 1] if part else 0)
        return f"row {own} of {self.folder}/{{latent,image}}/{self.parts[part].name}"

    def rows(self, first: int, last: int) -> PublishedRows:
        """The pairs of a half-open range, latents first."""
        found = []
        for part, end in zip(self.parts, self.ends, strict=True):
            start = end - len(part.latent)
            if start < last and first < end:
                found.append(part.rows(max(first - start, 0), min(last, end) - start))
        labels = [rows.label for rows in found if rows.label is not None]
        label = classes_of(np.concatenate(labels), first, self.place) if labels else None
        latent = np.concatenate([rows.first for rows in found])
        return PublishedRows(latent, np.concatenate([rows.last for rows in found]), None, label)

    def digest(self) -> str:
        """What `sha256sum image/*.pkl latent/*.pkl | sha256sum` prints in the folder."""
        return self.source_digest


def _names(folder: Path) -> list[str]:
    """The names in both folders, by their numbers."""
    found = {kind: set(_listed(folder / kind)) for kind in _FOLDERS}
    alone = found["latent"] ^ found["image"]
    if alone:
        raise ValueError(
            f"{folder} has '{min(alone)}' in only one of latent/ and image/; restore the other"
        )
    return sorted(found["latent"], key=lambda name: (int(name[:-4]), name))


def _listed(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give the one that holds latent/ and image/")
    names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    strange = [name for name in names if not _NAME.fullmatch(name) or not (folder / name).is_file()]
    if strange or not names:
        what = f"'{min(strange)}'" if strange else "nothing"
        raise ValueError(f"{folder} holds {what}; it must hold files NUMBER.pkl and no other")
    return names


def _digest(folder: Path, names: list[str]) -> str:
    total = hashlib.sha256()
    for name in sorted(f"{kind}/{name}" for kind in _FOLDERS for name in names):
        with (folder / name).open("rb") as file:
            total.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
    return total.hexdigest()


def _part(folder: Path, name: str) -> _Part:
    latents = _tensors(folder / "latent" / name, at_most=2)
    (image,) = _tensors(folder / "image" / name, at_most=1)
    label = latents[1] if len(latents) == 2 else None
    part = _Part(name, latents[0], image, label)
    is_labelled = label is None or (len(label.shape) == 2 and len(label) == len(image))
    floats = latents[0].dtype.kind == image.dtype.kind == "f"
    if latents[0].shape != image.shape or len(image.shape) < 2 or not is_labelled or not floats:
        raise ValueError(
            f"{folder}: 'latent/{name}' and 'image/{name}' are {_form(part)}; {_RIGHT}"
        )
    return part


def _tensors(path: Path, *, at_most: int) -> tuple[TensorRows, ...]:
    try:
        found = tensors_in(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if len(found) > at_most:
        raise ValueError(f"{path}: it holds {len(found)} tensors, right is {at_most}")
    return found


def _form(part: _Part) -> list[str]:
    tensors = [each for each in (part.latent, part.image, part.label) if each is not None]
    return [f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors]


def _require_same(folder: Path, model: _Part, part: _Part) -> None:
    """Parts may differ in their number of rows and in nothing else."""
    forms = [
        [(each.dtype, each.shape[1:]) for each in one[1:] if each is not None]
        for one in (model, part)
    ]
    if forms[0] != forms[1]:
        raise ValueError(
            f"{folder}: '{part.name}' is {_form(part)}, '{model.name}' is {_form(model)}; the files "
            "of a set differ in the number of rows only"
        )
