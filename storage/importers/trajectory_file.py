"""The file of published checkerboard pairs: float32 [times, points, 2], written by numpy.save."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from storage.folders.foreign_files import is_file, opened
from storage.folders.local_errors import told
from storage.inert.stand_ins import require_file_itself


def read_trajectory(source: Path) -> NDArray[np.float32]:
    """The file's array, mapped, not loaded; a ValueError if it is not [times ≥ 2, points, 2]."""
    if not is_file(source):
        raise ValueError(f"{source} is not a file; give the path of the published .npy")
    try:
        _require_npy(source)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    try:
        with told("read", source):
            array = np.load(source, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:  # whose words may advise to unpickle it
        raise ValueError(
            f"{source} is not a readable .npy of plain numbers: it is cut off or holds Python objects; "
            "fetch it again, or save one float32 array [times, points, 2]"
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.ndim != 3:
        raise ValueError(f"{source} must be one float32 array [times, points, 2]")
    if array.shape[0] < 2 or array.shape[2] != 2:
        raise ValueError(
            f"{source} has shape {list(array.shape)}; it must be [times ≥ 2, points, 2]"
        )
    return array


def _require_npy(source: Path) -> None:
    with opened(source) as file:
        require_file_itself(file)
        if file.read(6) != b"\x93NUMPY":
            raise ValueError(
                "it does not begin as a .npy; give a file that numpy.save has written, one float32 "
                "array [times, points, 2]"
            )
