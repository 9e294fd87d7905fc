"""What all sets of pictures in files share: options, splits, the memory they are kept in, a digest.

A set is decoded when its values are first asked for, and stays in memory as uint8 [n, c, h, w] while
its files stay what they are. Its digest is over decoded values: equal pictures make equal sets, packed
or not, as PNG or as an array; and a JPEG that another decoder reads differently makes another one.

Held-out pictures come from a separate source, or are taken out of the one source by a fixed
shuffle that depends on the number of pictures alone, so every machine holds out the same ones.
"""

import errno
import re
import stat
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator

from kdm.datasets.pictures import MODES, Pictures, Shape, Split
from kdm.datasets.source import source_path
from kdm.licences import UNKNOWN, Licence
from storage.digest import digest_of, sha256_of
from storage.folders.file_names import is_hidden
from storage.folders.foreign_files import is_file
from storage.folders.walk import not_listed, walked
from storage.importers.stamps import Stamp, stamp_of
from storage.options import LastingOptions
from storage.reading.order import Order

_MAX_SIDE = 2048  # pixels
# Pages that people write beside pictures.
_BESIDE = re.compile(r"(?:readme|licen[cs]e)(?:\.\w+)?\Z", re.IGNORECASE)
_SPLIT_SEED = 0  # of the order whose first indices are held out


class _Found(NamedTuple):
    """A source, and what reveals a change of its files."""

    path: Path
    stamps: tuple[tuple[str, Stamp], ...]  # of each file by its name


def _require_square(shape: Shape) -> Shape:
    """A shape that pictures may have; a ValueError otherwise."""
    num_channels, height, width = shape
    if num_channels not in MODES:
        raise ValueError(f"{num_channels} channels; pictures have 1 (grey) or 3 (colour)")
    if height != width or not 1 <= height <= _MAX_SIDE:
        raise ValueError(
            f"{height}×{width} pixels; pictures are square, at most {_MAX_SIDE} a side"
        )
    return shape


class ImageData(LastingOptions, ABC):
    """A set of pictures in files; a subclass says how its source is read (`read`).

    `shape` is (c, h, h): pictures are square, and aren't cropped here.
    """

    source: str  # a path; a relative one is looked for here and in $KDM_DATA
    shape: Annotated[Shape, AfterValidator(_require_square)]  # channels, height, width
    num_classes: int | None = Field(None, ge=1, le=2**31)  # None: without labels
    heldout_source: str | None = None  # like `source`: pictures that no teacher sees
    # Taken by a fixed order that depends on the number of pictures and on nothing else.
    num_heldout: int = Field(0, ge=0, le=10**9)
    license: Licence = UNKNOWN  # as who published the pictures gives it; in no digest
    in_memory_bytes: int = Field(2**33, ge=1)  # decoded, of one source; no number depends on it

    @model_validator(mode="after")
    def _check_heldout(self) -> Self:
        if self.heldout_source is not None and self.num_heldout:
            raise ValueError("give heldout_source or num_heldout, not both")
        return self

    @property
    def has_heldout(self) -> bool:
        """Whether the options say which pictures no teacher sees."""
        return self.heldout_source is not None or self.num_heldout > 0

    @abstractmethod
    def read(self, path: Path) -> Pictures:
        """All pictures of a source; a ValueError says what is wrong and what to do."""

    def train(self) -> NDArray[np.uint8]:
        """What a teacher learns from: uint8 [n, c, h, w]; networks see x / 127.5 - 1."""
        return self._split("train").images

    def heldout(self) -> NDArray[np.uint8]:
        """Real pictures that no teacher saw: uint8 [n, c, h, w]."""
        return self._split("heldout").images

    def labels(self, split: Split = "train") -> NDArray[np.int64] | None:
        """The class of each picture of a split, int64 [n]; None if num_classes is not given."""
        return self._split(split).labels

    def digest(self) -> str:
        """The digest of both splits as they are decoded, from any kind of files.

        Splits, shape and number of classes are in it; licence, memory and paths aren't.
        """
        splits: tuple[Split, ...] = ("train", "heldout") if self.has_heldout else ("train",)
        contents = {split: _content(self._split(split)) for split in splits}
        return digest_of({**contents, "shape": self.shape, "num_classes": self.num_classes})

    def _split(self, split: Split) -> Pictures:
        """The pictures of a split: cut out of one source, or from a separate source."""
        if self.num_heldout:
            return _divided(self, _found(self.source, "source"))[split]
        if split == "train":
            return _whole(self, _found(self.source, "source"))
        if self.heldout_source is None:
            raise ValueError(
                f"{self.source} doesn't have held-out pictures; give num_heldout, how many to take "
                "out of it, or heldout_source, the place of others"
            )
        return _whole(self, _found(self.heldout_source, "heldout_source"))


def _found(source: str, option: str) -> _Found:
    """A source on this machine, with the size and time of each of its files."""
    path = source_path(source, option=f"dataset.{option}")
    files = [path] if is_file(path) else files_below(path)
    return _Found(path, tuple((str(file), stamp_of(file)) for file in files))


@lru_cache(maxsize=2)  # both sources of a set
def _whole(data: ImageData, found: _Found) -> Pictures:
    """All pictures of a source; kept until its files change."""
    return _read(data, found.path)


@lru_cache(maxsize=1)
def _divided(data: ImageData, found: _Found) -> dict[Split, Pictures]:
    """Both splits of one source: `num_heldout` pictures by a fixed shuffle, and the rest."""
    pictures = _read(data, found.path)  # kept once, in its parts
    count = len(pictures.images)
    if data.num_heldout >= count:
        raise ValueError(
            f"num_heldout is {data.num_heldout:,}, {found.path} has {count:,} pictures; "
            "hold out fewer"
        )
    is_heldout = np.zeros(count, np.bool_)
    is_heldout[Order(_SPLIT_SEED, count).epoch(0)[: data.num_heldout]] = True
    return {"train": pictures.rows(~is_heldout), "heldout": pictures.rows(is_heldout)}


def _read(data: ImageData, path: Path) -> Pictures:
    """All pictures of a source; a ValueError with its path if one can't be used."""
    try:
        pictures = data.read(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not len(pictures.images):
        raise ValueError(f"{path} holds no picture; give the source of a set that has some")
    return pictures


def files_below(folder: Path) -> list[Path]:
    """The files of a folder and of those in it, sorted; links to folders are not followed.

    Files of desktops are left out (`.DS_Store`, `._x`, `Thumbs.db`). A StoreError if a folder can't
    be listed: without its pictures the set would silently be another one.
    """
    names = (Path(place, name) for place, found in walked(folder) for name in found)
    return sorted(file for file in names if not is_hidden(file.name) and _is_file(file))


def _is_file(path: Path) -> bool:
    """Whether a path is a regular file; links that lead nowhere aren't, and are skipped."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):  # a link that leads nowhere
            not_listed(error)
        return False


def is_beside(name: str) -> bool:
    """Whether a file doesn't belong to a set: hidden, or what systems and people put beside pictures."""
    return is_hidden(name) or bool(_BESIDE.match(PurePosixPath(name).name))


def _content(pictures: Pictures) -> dict[str, Any]:
    """What the digest of a set covers of one split: its decoded bytes and classes."""
    labels = pictures.labels
    return {
        "count": len(pictures.images),
        "images": sha256_of(pictures.images.data),
        "labels": None if labels is None else sha256_of(labels.astype("<i8").tobytes()),
    }
