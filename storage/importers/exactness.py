"""Whether smaller types would hold an imported set's values exactly, found while it is read."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.importers.imported import ImportOptions
from storage.records import PairBatch

# The 8-bit grid is u/127.5 − 1. Float32 misses it by 1/100,000 of a step, float16 by up to 1/16.
GRID_TOLERANCE = 1e-4


def fits_float16(array: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which numbers float16 holds as they are."""
    with np.errstate(over="ignore"):
        return np.asarray(array.astype(np.float16).astype(np.float32) == array)


def is_on_grid(x_0: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which numbers are those of an 8-bit picture, up to float32's rounding.

    Either rule of rounding (half-even, floor) gives their byte back.
    """
    level = x_0.astype(np.float64) * 127.5 + 127.5
    near = np.abs(level - np.rint(level)) < GRID_TOLERANCE
    return np.asarray(near & (level > -0.5) & (level < 255.5))


_TESTS: Final[dict[tuple[str, str], Callable[[Any], NDArray[np.bool_]]]] = {
    ("x_0", "uint8"): is_on_grid,
    ("x_0", "float16"): fits_float16,
    ("x_T", "float16"): fits_float16,
    ("states", "float16"): fits_float16,
}


class Exactness:
    """For each field and smaller type, the first row that the type would change."""

    def __init__(self) -> None:
        self._changed: dict[tuple[str, str], int] = {}

    def note(self, pairs: PairBatch) -> None:
        """Look at more pairs; what an earlier row ruled out isn't tested again."""
        for (name, dtype), test in _TESTS.items():
            array = getattr(pairs, name)
            if array is None or (name, dtype) in self._changed:
                continue
            fits = test(array).reshape(len(array), -1).all(axis=1)
            if not fits.all():
                self._changed[name, dtype] = int(pairs.index[~fits][0])

    def changed(self, options: ImportOptions) -> dict[str, tuple[str, int]]:
        """Fields whose chosen type changes values, each with that type and the first such row."""
        chosen = {name: getattr(options, f"{name}_dtype") for name in ("x_0", "x_T", "states")}
        return {
            name: (dtype, self._changed[name, dtype])
            for name, dtype in chosen.items()
            if (name, dtype) in self._changed
        }

    def advice(self, options: ImportOptions) -> str:
        """Which smaller types would hold the same, in words; empty if none would."""
        smaller = [
            f"{name}_dtype={dtype} holds {what}"
            for name, dtype, what in (
                ("x_0", "uint8", "the same 8-bit pictures"),
                ("x_T", "float16", "the same numbers"),
            )
            if (name, dtype) not in self._changed and getattr(options, f"{name}_dtype") == "float32"
        ]
        return " and ".join(smaller)
