"""Tiny real pictures, as PNG and JPEG, for the tests of data sets."""

import io

import numpy as np
from PIL import Image

SHAPE = (3, 4, 4)
LABELS = [1, 0, 2, 1, 0]


def made(count: int = 5, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Pictures of noise: uint8 [count, c, h, w]."""
    return np.random.RandomState(3).randint(0, 256, (count, *shape)).astype(np.uint8)


def encoded(picture: np.ndarray, form: str = "PNG", **options) -> bytes:
    """A picture [c, h, w] as a file."""
    values = picture.transpose(1, 2, 0) if len(picture) == 3 else picture[0]
    return saved(Image.fromarray(values), form, **options)


def saved(image: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
