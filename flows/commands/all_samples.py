"""All samples of a student in one picture."""

import math

import numpy as np

from kdm.image_grid import image_grid, png
from kdm.metrics.samples import Classes, Points

_SIDE = 64  # pixels that small pictures are enlarged to
_MOST_COLUMNS = 20  # of as many classes a grid has a column each


def samples_as_picture(x_0: Points, name: str, classes: Classes | None) -> bytes:
    """Points in the plane, or images in rows, with a column per class."""
    if x_0.shape[1:] == (2,):
        from kdm.analyze.sample_plots import samples_picture  # matplotlib takes a second

        return samples_picture(x_0, name.rpartition("-")[0] or name)  # the digest would not fit
    if x_0.ndim != 4:
        raise ValueError(
            f"pictures show images or 2-D points; these samples have shape {x_0.shape[1:]}; "
            "name a .npy with --out"
        )
    num_turns = 1 if classes is None else len(classes)
    in_turn = 1 < num_turns <= _MOST_COLUMNS
    columns = min(len(x_0), num_turns if in_turn else math.ceil(math.sqrt(len(x_0))))
    # Truncated, as EDM's pictures are: -1 … 1 to 0 … 255.
    colours = (x_0 * 127.5 + 128).clip(0, 255).astype(np.uint8)
    white = np.full((-len(x_0) % columns, *x_0.shape[1:]), 255, np.uint8)
    return png(image_grid(np.concatenate([colours, white]), num_columns=columns, side=_SIDE))
