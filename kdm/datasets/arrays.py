"""Pictures in one array: a .npy, or a .npz with `images` and `labels`.

`images` are uint8 [n, c, h, w], [n, h, w, c] or, of grey ones, [n, h, w]; `labels` whole numbers [n].
The bytes are read by this project's own matcher (`storage.importers.npy`), so nothing in them runs.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdm.datasets.images import ImageData
from kdm.datasets.pictures import Pictures, Shape, require_room, required_label
from storage.importers.npy import array_in
from storage.inert.zips import members_of, read_member

IMAGES, LABELS = "images", "labels"
_NO_LABELS = (
    f"it has no '{LABELS}', and num_classes asks for labels; save them beside the pictures, "
    f"np.savez(file, {IMAGES}=…, {LABELS}=…), or leave num_classes out"
)


class ArraysData(ImageData):
    """A file of numpy's that holds all pictures."""

    kind: Literal["arrays"] = "arrays"

    def read(self, path: Path) -> Pictures:
        """All pictures, in the array's order."""
        arrays = _arrays(path, at_most=self.in_memory_bytes)
        images = _pictures(arrays[IMAGES], self.shape)
        if self.num_classes is None:
            return Pictures(images, None)
        if LABELS not in arrays:
            raise ValueError(_NO_LABELS)
        return Pictures(images, _classes(arrays[LABELS], len(images), self.num_classes))


def _arrays(path: Path, *, at_most: int) -> dict[str, NDArray[Any]]:
    if not path.is_file() or path.suffix not in (".npy", ".npz"):
        raise ValueError("it is no .npy or .npz; save the pictures with np.savez")
    if path.suffix == ".npy":
        require_room(path.stat().st_size, at_most)
        return {IMAGES: array_in(path.read_bytes())}
    with path.open("rb") as file:
        members = members_of(file)
        chosen = {key: members.get(f"{key}.npy") for key in (IMAGES, LABELS)}
        if chosen[IMAGES] is None:
            names = ", ".join(members) or "nothing"
            raise ValueError(f"it has no '{IMAGES}' (found {names[:80]}); save them by that name")
        found = {key: member for key, member in chosen.items() if member is not None}
        require_room(sum(member.num_bytes for member in found.values()), at_most)
        return {
            key: array_in(read_member(file, member, at_most=at_most))
            for key, member in found.items()
        }


def _pictures(images: NDArray[Any], shape: Shape) -> NDArray[np.uint8]:
    """As [n, c, h, w], in memory of its own."""
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
