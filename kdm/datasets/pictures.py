"""Pictures as arrays: decoded exactly as they are, refused with a sentence where they don't fit.

The files may have been made to break a reader, so a file's size, its kind and the picture's
size are checked before its pixels are unpacked.
"""

import io
import struct
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.inert.stand_ins import require_named_itself

if TYPE_CHECKING:
    from PIL import Image

Split = Literal["train", "heldout"]
Resize = Literal[
    "box"
]  # how larger pictures become smaller: by the mean over the area of each pixel
Shape = tuple[int, int, int]  # channels, height, width

SUFFIXES = ("png", "jpg", "jpeg")
MAX_FILE_BYTES = 2**25  # 32 MiB; 2048×2048 in colour is 12 MiB unpacked
MODES = {1: "L", 3: "RGB"}  # Pillow's, by channels
_HEAD_BYTES = 512  # that tell a page or a pointer from a picture
_PNG_DEPTH = 24  # the place of a PNG's bits per channel (PNG 3rd ed., 11.2.1)
# What Pillow raises on broken files; its own errors are OSErrors.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


class Sample(NamedTuple):
    """A picture's file as bytes, and the class that the set gives it."""

    place: str  # for messages
    data: bytes
    label: int | None


class Pictures(NamedTuple):
    """All pictures of a split, and their classes if the set has any."""

    images: NDArray[np.uint8]  # [n, c, h, w]
    labels: NDArray[np.int64] | None  # [n]

    def rows(self, chosen: NDArray[Any]) -> "Pictures":
        """Some of them."""
        labels = None if self.labels is None else self.labels[chosen]
        return Pictures(self.images[chosen], labels)


def gathered(
    samples: Iterable[Sample],
    shape: Shape,
    *,
    num_classes: int | None,
    at_most: int,
    resize: Resize | None = None,
) -> Pictures:
    """Every picture decoded, in order: uint8 [n, c, h, w] and classes [n], if any.

    A ValueError names the first picture that doesn't fit, or says that memory would run out.
    """
    values, labels = bytearray(), []
    for sample in samples:
        values += decoded(sample.data, shape, sample.place, resize).data
        require_room(len(values), at_most)
        if num_classes is not None:
            labels.append(required_label(sample.label, num_classes, sample.place))
    images = np.frombuffer(values, np.uint8).reshape(-1, *shape)
    return Pictures(images, None if num_classes is None else np.array(labels, np.int64))


def decoded(
    data: bytes, shape: Shape, place: str, resize: Resize | None = None
) -> NDArray[np.uint8]:
    """The picture in a PNG or JPEG: uint8 [c, h, w]; a ValueError if it is another kind or broken.

    Nothing is cropped or converted, and only what `resize` allows is made smaller: a teacher must see
    what its user prepared.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"{place} has {len(data):,} bytes; at most {MAX_FILE_BYTES:,} are read")
    require_named_itself(data[:_HEAD_BYTES], place)
    from PIL import (  # here: a command that reads no picture is sooner there
        Image,
        UnidentifiedImageError,
    )

    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        is_larger = resize is not None and min(image.size) > shape[1]
        side = min(image.size) if is_larger else shape[1]
        fault = _misfit(image, (shape[0], side, side)) or _too_deep(image, data)
        values = None if fault else np.asarray(_smaller(image, shape[1]), np.uint8)
    except UnidentifiedImageError as error:  # whose words name an object in memory
        raise ValueError(f"{place} is not a valid PNG or JPEG; restore or remove it") from error
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{place} is not a valid PNG or JPEG ({str(error)[:120]}); restore or remove it"
        ) from error
    if values is None:
        raise ValueError(f"{place} {fault}")
    return np.ascontiguousarray(values.reshape(*shape[1:], shape[0]).transpose(2, 0, 1))


def required_label(label: int | None, num_classes: int, place: str) -> int:
    """A class in 0 … num_classes − 1; a ValueError that names the picture otherwise.

    Otherwise it would stop a training in its midst, with an error of torch that names no picture.
    """
    if label is None:
        raise ValueError(
            f"{place} isn't labelled, but num_classes is {num_classes}; label it, or leave "
            "num_classes out to use the set without labels"
        )
    if not 0 <= label < num_classes:
        raise ValueError(
            f"{place} has the label {label}, and num_classes is {num_classes}: labels are "
            f"0 … {num_classes - 1}; correct either"
        )
    return label


def require_room(num_bytes: int, at_most: int) -> None:
    """A ValueError if decoded pictures take more memory than the set may use.

    Without a bound a set of many gigabytes would end in the kernel's killing of the process.
    """
    if num_bytes > at_most:
        raise ValueError(
            f"decoded it takes more than in_memory_bytes, {at_most:,}; raise that, or take fewer"
        )


def _smaller(image: "Image.Image", side: int) -> "Image.Image":
    """The picture at `side` pixels, each the mean over its area, as Pillow computes it.

    Along rows first and then along columns, in whole numbers, so bytes are the same on every machine.
    """
    if image.width == side:
        return image
    from PIL import Image

    return image.resize((side, side), Image.Resampling.BOX)


def _too_deep(image: "Image.Image", data: bytes) -> str:
    """Pillow would cut 16 bits of a colour PNG to 8 and not say so."""
    is_deep = image.format == "PNG" and data[_PNG_DEPTH] > 8
    return "has 16 bits a channel; convert it to 8" if is_deep else ""


def _misfit(image: "Image.Image", shape: Shape) -> str:
    """What is wrong with a picture's size or mode, in words for after its name; '' if nothing is."""
    num_channels, height, width = shape
    wanted = MODES[num_channels]
    if image.width != image.height:
        return f"is {image.width}×{image.height} and not square; crop it to {width}×{height}"
    if image.size != (width, height):
        return (
            f"is {image.width}×{image.height}, the set's shape says {width}×{height}; "
            "resize it, or correct the shape"
        )
    if image.mode != wanted:
        return (
            f"has the mode {image.mode}, the set's shape says {num_channels} channels ({wanted}); "
            "convert it, or correct the shape"
        )
    return ""
