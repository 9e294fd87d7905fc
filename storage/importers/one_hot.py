"""Published one-hot labels as classes; a label that is anything else is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def classes_of(
    labels: NDArray[Any], first_row: int, place: Callable[[int], str]
) -> NDArray[np.int64]:
    """The class of each row of [n, classes]; a ValueError that names a row that is not one-hot."""
    is_one = labels == 1
    is_one_hot = (is_one | (labels == 0)).all(axis=1) & (is_one.sum(axis=1) == 1)
    if not is_one_hot.all():
        row = int(np.flatnonzero(~is_one_hot)[0])
        raise ValueError(
            f"{place(first_row + row)} has the label {np.array2string(labels[row], threshold=12)}, "
            "which isn't one-hot: a label must be one 1 and otherwise zeros"
        )
    return np.asarray(is_one.argmax(axis=1), np.int64)
