"""Dropped pairs beside what they copy, as a page; it shows single samples and scores, so it is private."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdm.image_grid import image_grid, png
from kdm.report.template import render

_SIDE = 64  # pixels that small pictures are enlarged to, and large ones are made smaller to


@dataclass(frozen=True)
class ShownPair:
    """A dropped pair in words, and as a picture if it is one."""

    place: str  # 'train 123'
    score: str
    reason: str
    near: str  # 'training picture 456, mirrored'; '' without one
    distance: str
    png: bytes = b""


@dataclass(frozen=True)
class ShownFilter:
    """What one filter drops."""

    name: str
    about: str  # how many it drops, below which threshold
    pairs: Sequence[ShownPair]


def render_dropped(name: str, filters: Sequence[ShownFilter]) -> str:
    """The page as one string of HTML."""
    return render("dropped.html.j2", {"name": name, "filters": filters})


def side_by_side(samples: Sequence[NDArray[Any]]) -> bytes:
    """A PNG of pictures [1 or 3, h, w] of −1 … 1 in a row."""
    shown = np.stack([_smaller(np.asarray(each, np.float32)) for each in samples])
    colours = (shown * 127.5 + 128).clip(0, 255).astype(np.uint8)
    return png(image_grid(colours, num_columns=len(colours), side=_SIDE))


def _smaller(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over whole areas, so that no side is much longer than is shown."""
    channels, height, width = picture.shape
    size = max(1, round(max(height, width) / _SIDE))
    rows, columns = max(height // size, 1), max(width // size, 1)
    parts = picture[:, : rows * size, : columns * size]
    areas = parts.reshape(
        channels, rows, parts.shape[1] // rows, columns, parts.shape[2] // columns
    )
    return np.asarray(areas.mean(axis=(2, 4)), np.float32)
