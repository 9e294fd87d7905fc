"""Pictures in one array: a .npy, or a .npz with `images` and `labels`.

`images` are uint8 [n, c, h, w], [n, h, w, c] or, of grey ones, [n, h, w]; `labels` whole numbers [n].
In a .npz they may be called `arr_0` and `arr_1`, as guided-diffusion names its samples and reference
batches; other arrays in it are not read. The bytes are read by this project's own matcher
(`storage.importers.npy`), so nothing in them is executed.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.datasets.images import ImageData
from kdm.datasets.pictures import Pictures, Shape, require_room, required_label
from storage.folders.foreign_files import is_file, opened
from storage.importers.npy import array_in
from storage.inert.zips import Member, members_of, read_member

IMAGES, LABELS = ("images", "arr_0"), ("labels", "arr_1")
_STATISTICS = ("mu.npy", "sigma.npy")  # of features, as evaluation tools keep them
_NO_LABELS = (
    f"it lacks '{LABELS[0]}' or '{LABELS[1]}', but num_classes needs labels; save them beside the "
    f"pictures, np.savez(file, {IMAGES[0]}=…, {LABELS[0]}=…), or leave num_classes out"
)


class ArraysData(ImageData):
    """One file of numpy's that holds all pictures: the quickest way to bring your own pictures."""

    kind: Literal["arrays"] = "arrays"

    def read(self, path: Path) -> Pictures:
        """All pictures, in the array's order."""
        found = _arrays(path, at_most=self.in_memory_bytes)
        images = _pictures(found.images, self.shape)
        if self.num_classes is None:
            return Pictures(images, None)
        if found.labels is None:
            raise ValueError(_NO_LABELS)
        return Pictures(images, _classes(found.labels, len(images), self.num_classes))


class _Arrays(NamedTuple):
    """What a file holds."""

    images: NDArray[Any]
    labels: NDArray[Any] | None


def _arrays(path: Path, *, at_most: int) -> _Arrays:
    """The arrays of a file, before anything is checked but their sizes in bytes.

    Of a .npz only the two members that are needed are unpacked.
    """
    if not is_file(path) or path.suffix not in (".npy", ".npz"):
        raise ValueError(
            "it is not a .npy or .npz file; save the pictures with np.savez, or set dataset.kind to "
            "image-folder or image-tars"
        )
    if path.suffix == ".npy":
        with opened(path) as file:
            require_room(file.seek(0, 2), at_most)
            file.seek(0)
            return _Arrays(array_in(file.read()), None)
    with opened(path) as file:
        members = members_of(file)
        images, labels = _member(members, IMAGES), _member(members, LABELS)
        if images is None:
            raise ValueError(_without_images(members))
        sizes = (member.num_bytes for member in (images, labels) if member is not None)
        require_room(sum(sizes), at_most)
        read = partial(_read, file, at_most=at_most)
        return _Arrays(read(images), None if labels is None else read(labels))


def _read(file: BinaryIO, member: Member, *, at_most: int) -> NDArray[Any]:
    """One array of a .npz; a ValueError before more than `at_most` bytes are unpacked."""
    return array_in(read_member(file, member, at_most=at_most))


def _member(members: Mapping[str, Member], names: tuple[str, str]) -> Member | None:
    """The member under one of two names; a ValueError if a file has both."""
    found = [f"{name}.npy" for name in names if f"{name}.npy" in members]
    if len(found) > 1:
        raise ValueError(f"it has both '{names[0]}' and '{names[1]}'; keep the one that is meant")
    return members[found[0]] if found else None


def _without_images(members: Mapping[str, Member]) -> str:
    """What a file without pictures holds, and what to do: some are only their statistics."""
    if members.keys() <= {*_STATISTICS}:
        return (
            "it holds the mean and covariance of features ('mu', 'sigma') and no picture; give the "
            "pictures that they were taken of"
        )
    names = ", ".join(members) or "nothing"
    return (
        f"it lacks '{IMAGES[0]}' or '{IMAGES[1]}' (found {names[:80]}); save the pictures under "
        "one of these names"
    )


def _pictures(images: NDArray[Any], shape: Shape) -> NDArray[np.uint8]:
    """As [n, c, h, w], in separate memory."""
    if images.dtype != np.uint8:
        raise ValueError(f"its pictures are {images.dtype}; save bytes, uint8 on 0 … 255")
    num_channels, height, width = shape
    if images.ndim == 4 and images.shape[1:] == (height, width, num_channels) != shape:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    is_grey = images.ndim == 3 and num_channels == 1 and images.shape[1:] == (height, width)
    if images.shape[1:] != shape and not is_grey:
        raise ValueError(
            f"its pictures are {list(images.shape)}, the set's shape says n of {list(shape)}; "
            "crop and resize them, or correct the shape"
        )
    return np.array(images, np.uint8, order="C").reshape(-1, *shape)


def _classes(labels: NDArray[Any], count: int, num_classes: int) -> NDArray[np.int64]:
    """The class of each picture, int64 [count]; a ValueError names the first that is out of range."""
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise ValueError(
            f"its labels are {labels.dtype} {list(labels.shape)}, its pictures {count:,}; "
            "save a whole number for each"
        )
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(outside):
        first = int(outside[0])
        required_label(int(labels[first]), num_classes, f"picture {first:,}")
    return labels.astype(np.int64)
