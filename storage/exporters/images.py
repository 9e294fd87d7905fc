"""Pictures as files that evaluation tools read: a folder of PNGs, or one .npz of bytes."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from storage.digest import canonical_json
from storage.exporters.large_files import npy_head
from storage.exporters.small_files import put, put_each
from storage.folders import Folder

IMAGES, LABELS = "arr_0", "arr_1"
_CLASSES = "dataset.json"
_COMPRESSION = 6  # zlib's
_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a time of day would make equal pictures unequal files


@dataclass(frozen=True)
class Images:
    """Some pictures: their indices [n], bytes [n, C, H, W] and classes [n], if any."""

    index: NDArray[np.int64]
    values: NDArray[np.uint8]
    label: NDArray[np.int64] | None


def put_png(folder: Folder, batches: Iterable[Images]) -> int:
    """Every picture as a PNG that is named by its index, then their classes; the number of pictures."""
    labels: list[tuple[str, int]] = []
    num = 0
    for images in batches:
        names = [f"{index:09d}.png" for index in images.index]
        num += put_each(folder, len(names), partial(_file, names, images.values))
        if images.label is not None:
            labels += zip(names, images.label.tolist(), strict=True)
    if labels:
        put(folder, _CLASSES, canonical_json({"labels": labels}))
    return num


def write_npz(
    file: BinaryIO, batches: Iterable[Images], *, num: int, shape: tuple[int, ...]
) -> None:
    """`num` pictures of a shape (C, H, W) as np.savez would write them; equal ones give equal bytes."""
    num_channels, height, width = shape
    labels = []
    with zipfile.ZipFile(file, "w") as archive:
        with _member(archive, IMAGES) as member:
            member.write(npy_head(np.uint8, (num, height, width, num_channels)))
            for images in batches:
                member.write(images.values.transpose(0, 2, 3, 1).tobytes())
                labels += [] if images.label is None else [images.label.astype("<i8")]
        if labels:
            with _member(archive, LABELS) as member:
                member.write(npy_head("<i8", (num,)) + np.concatenate(labels).tobytes())


def _file(names: list[str], pictures: NDArray[np.uint8], row: int) -> tuple[str, bytes]:
    return names[row], png_bytes(pictures[row])


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """A picture [1 or 3, H, W] as the bytes of a PNG."""
    # Imported here: a store is read without it.
    from PIL import Image

    values = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(
        data, format="PNG", compress_level=_COMPRESSION
    )
    return data.getvalue()


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    member = zipfile.ZipInfo(f"{name}.npy", _FIRST_ZIP_DATE)
    member.create_system = 3  # Unix, on any system
    return archive.open(member, "w", force_zip64=True)
