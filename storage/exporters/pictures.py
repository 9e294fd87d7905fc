"""x_0 alone, as the pictures that evaluation tools read: a folder of PNGs, or one .npz of bytes.

    png   000000017.png …, named by index; classes as EDM keeps them: dataset.json, written last
    npz   arr_0 uint8 [n, H, W, C], arr_1 int64 [n] where there are classes (guided-diffusion's names)

Values in -1 … 1 become bytes by the set's rule of rounding, by half-even where it has none.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from storage.digest import canonical_json
from storage.exporters.export import Chosen, Report, begin, put, put_each
from storage.exporters.large_files import npy_head, put_spooled, spool
from storage.fs import Folder
from storage.masks import Mask
from storage.records import PairSchema, Rounding, to_bytes
from storage.store import PairStore

PNG, NPZ = "png", "npz"
IMAGES, LABELS = "arr_0", "arr_1"
_CLASSES = "dataset.json"
_NUM_CHANNELS = (1, 3)  # grey, colour
_COMPRESSION = 6  # zlib's
_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a time of day would make equal pictures unequal files


@dataclass(frozen=True)
class Images:
    """Some pictures: their indices [n], bytes [n, C, H, W] and classes [n], if any."""

    index: NDArray[np.int64]
    values: NDArray[np.uint8]
    label: NDArray[np.int64] | None


def export_png(
    store: PairStore,
    folder: Folder,
    *,
    count: int,
    masks: Sequence[Mask] | None = None,
    report: Report | None = None,
) -> int:
    """Write x_0 of the first `count` indices, without those that a mask drops; the number of files.

    What is there already stays, so a stopped export goes on.
    """
    chosen = _chosen(store, count, masks)
    begin(folder, chosen, {"layout": PNG, "rounding": rounding_of(store.schema)})
    return put_png(folder, _images(chosen, report))


def export_npz(
    store: PairStore,
    folder: Folder,
    *,
    count: int,
    masks: Sequence[Mask] | None = None,
    report: Report | None = None,
) -> int:
    """The same pictures in one file, SPLIT.npz; their number."""
    chosen = _chosen(store, count, masks)
    if folder.name.endswith(".npz"):
        raise ValueError(
            f"{folder.url} is to be a folder: the file in it is called {store.split}.npz; leave '.npz' "
            "out"
        )
    begin(folder, chosen, {"layout": NPZ, "rounding": rounding_of(store.schema)})
    num = chosen.num_pairs()
    folder.require_space(2 * num * store.schema.num_values, f"writing {num:,} pictures")
    with spool(folder) as file:
        write_npz(file, _images(chosen, report), num=num, shape=store.schema.shape)
        put_spooled(folder, f"{store.split}.npz", file)
    return num


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


def as_images(x_0: NDArray[Any], rounding: Rounding) -> NDArray[np.uint8]:
    """Samples as bytes; bytes stay as they are."""
    return x_0 if x_0.dtype == np.uint8 else to_bytes(x_0.astype(np.float32), rounding)


def rounding_of(schema: PairSchema) -> Rounding:
    """The rule by which samples of such pairs become bytes."""
    return "half-even" if schema.rounding == "none" else schema.rounding


def require_pictures(shape: tuple[int, ...], otherwise: str) -> None:
    """A ValueError that says what to do `otherwise`, where samples of a shape are no pictures."""
    if len(shape) != 3 or shape[0] not in _NUM_CHANNELS:
        raise ValueError(
            f"a sample has shape {list(shape)}, and a picture is [1 or 3, height, width], grey or "
            f"colour; {otherwise}"
        )


def _chosen(store: PairStore, count: int, masks: Sequence[Mask] | None) -> Chosen:
    require_pictures(store.schema.shape, "export numbers with --to per-sample or --to kdm-npz")
    return Chosen(store, count, store.masks(masks))


def _images(chosen: Chosen, report: Report | None) -> Iterator[Images]:
    rounding = rounding_of(chosen.store.schema)
    for columns in chosen.columns(report):
        yield Images(columns["index"], as_images(columns["x_0"], rounding), columns.get("label"))


def _file(names: list[str], pictures: NDArray[np.uint8], row: int) -> tuple[str, bytes]:
    return names[row], _png(pictures[row])


def _png(picture: NDArray[np.uint8]) -> bytes:
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
    member.create_system = 3  # Unix, wherever it is written
    return archive.open(member, "w", force_zip64=True)
