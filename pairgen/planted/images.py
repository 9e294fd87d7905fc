"""Pictures as images of bytes, for transforms that an image library does."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairgen.filters.pictures import Pictures, as_bytes, as_numbers


def each_image(pictures: Pictures, change: Callable[[Image.Image], Image.Image]) -> Pictures:
    """Pictures [n, c, h, w] of which each was changed as an image of bytes."""
    changed = [np.asarray(change(image)) for image in images_of(pictures)]
    return pictures_of(changed, pictures.shape[1])


def images_of(pictures: Pictures) -> list[Image.Image]:
    """An image for each of [n, c, h, w]."""
    stored = as_bytes(pictures).transpose(0, 2, 3, 1)
    return [Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in stored]


def pictures_of(images: Sequence[NDArray[np.uint8]], num_channels: int) -> Pictures:
    """[n, c, h, w] of n images [h, w] or [h, w, 3]."""
    stored = np.stack(images).reshape(len(images), *images[0].shape[:2], num_channels)
    return as_numbers(np.ascontiguousarray(stored.transpose(0, 3, 1, 2)))


def reopened(image: Image.Image, kind: str, quality: int) -> Image.Image:
    """The image as it's after a lossy file, JPEG or WebP, of this quality of 100."""
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    file.seek(0)
    return Image.open(file).convert(image.mode)
