"""Samples as the bytes of pictures: which samples can be pictures, and how numbers are rounded."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.records import PairSchema, Rounding, to_bytes

_NUM_CHANNELS = (1, 3)  # grey, colour


def as_images(x_0: NDArray[Any], rounding: Rounding) -> NDArray[np.uint8]:
    """Samples as bytes; bytes stay as they are."""
    return x_0 if x_0.dtype == np.uint8 else to_bytes(x_0.astype(np.float32), rounding)


def rounding_of(schema: PairSchema) -> Rounding:
    """The rule by which samples of such pairs become bytes."""
    return "half-even" if schema.rounding == "none" else schema.rounding


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether samples of a shape are pictures, grey or in colour."""
    return len(shape) == 3 and shape[0] in _NUM_CHANNELS


def require_pictures(shape: tuple[int, ...], otherwise: str) -> None:
    """A ValueError that says what to do `otherwise`, if samples of a shape aren't pictures."""
    if not is_picture(shape):
        raise ValueError(
            f"a sample has shape {list(shape)}, and a picture is [1 or 3, height, width], grey or "
            f"colour; {otherwise}"
        )
