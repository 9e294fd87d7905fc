"""Handwritten digits that scikit-learn carries: 1,797 grey pictures of 8×8 in ten classes.

The test part of "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak 1998, UCI). A pixel
counts the inked points of a 4×4 block, v in 0 … 16; here it is v / 8 − 1, exact in float32. No byte
means such a value exactly (v · 255 / 16 is a whole number for v = 0 and 16 only), so the set is kept
as float32. It needs no download, and a teacher of it trains in minutes on a CPU.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from kdm.datasets.pictures import Split
from storage.digest import digest_of, sha256_of
from storage.options import Options

# Held out is every seventh picture, index 6 first: 256 of 1,797. The set runs 0, 1 … 9, 0, 1 … for
# long stretches and by writer, so a step that shares no factor with ten takes all classes and writers.
HELDOUT_STEP = 7
_HALF_INK = 8  # of 16 points in a block
_FILE = "datasets/data/digits.csv.gz"  # of scikit-learn: 64 counts of ink and the label in each row
# sha256 of the pictures as uint8 [1797, 8, 8], and of the labels as int64 after them.
_CONTENT = "65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5"


class DigitsData(Options):
    """The digits, each split fixed by index; the pictures of a split keep their order.

    scikit-learn ships the data, so a digest of them is checked: other data under this name would change
    every number that rests on them.
    """

    version: ClassVar[int] = 1  # raised by a change of the numbers
    license: ClassVar[str] = "cc-by-4.0"  # UCI's, which scikit-learn passes on
    num_classes: ClassVar[int] = 10
    has_heldout: ClassVar[bool] = True

    kind: Literal["digits"] = "digits"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one picture."""
        return (1, 8, 8)

    def train(self) -> NDArray[np.float32]:
        """What a teacher learns from: float32 [1541, 1, 8, 8] on -1 … 1."""
        return _pictures()[~_is_heldout()]

    def heldout(self) -> NDArray[np.float32]:
        """Real digits that no teacher saw: float32 [256, 1, 8, 8]."""
        return _pictures()[_is_heldout()]

    def labels(self, split: Split = "train") -> NDArray[np.int64]:
        """The digit that each picture of a split shows: int64 [n]."""
        chosen = _is_heldout() if split == "heldout" else ~_is_heldout()
        return _digits()[1][chosen]

    def digest(self) -> str:
        """The digest of all that determines both splits."""
        return digest_of({"kind": self.kind, "content": _CONTENT, "version": self.version})


def _is_heldout() -> NDArray[np.bool_]:
    """Which of all pictures no teacher sees, bool [1797]."""
    index = np.arange(len(_digits()[1]))
    is_heldout: NDArray[np.bool_] = index % HELDOUT_STEP == HELDOUT_STEP - 1
    return is_heldout


def _pictures() -> NDArray[np.float32]:
    """All pictures on −1 … 1, float32 [1797, 1, 8, 8]."""
    ink = _digits()[0][:, None].astype(np.float32)
    return ink / np.float32(_HALF_INK) - np.float32(1)


@lru_cache(maxsize=1)
def _digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Ink counts uint8 [1797, 8, 8] and labels int64 [1797], as scikit-learn has always carried them.

    A ValueError if an installed version carries other data.
    """
    rows = np.loadtxt(_file(), dtype=np.int64, delimiter=",", ndmin=2)
    ink = np.ascontiguousarray(rows[:, :-1].reshape(-1, 8, 8), np.uint8)
    labels = np.ascontiguousarray(rows[:, -1])
    if sha256_of(ink.tobytes() + labels.astype("<i8").tobytes()) != _CONTENT:
        raise ValueError(
            f"scikit-learn's digits ({len(ink):,} pictures) are not those that this set is made of; "
            "install a version of pyproject's range again"
        )
    return ink, labels


def _file() -> Path:
    """Where scikit-learn's file lies; to import the package, with all of scipy, takes a second.

    A ValueError if it isn't there.
    """
    found = find_spec("sklearn")
    places = found.submodule_search_locations if found else None
    for place in places or ():
        if (Path(place) / _FILE).is_file():
            return Path(place) / _FILE
    raise ValueError(
        f"scikit-learn's digits, its file {_FILE}, are not here; install a version of pyproject's range again"
    )
