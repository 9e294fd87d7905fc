"""The checkerboard in the plane: eight filled squares of a 4 by 4 board.

The density of flow_matching's 2-D notebook (Lipman et al. 2024, the library's examples). A point (u, y)
is, with v uniform in [0, 1) and b in {0, 1},

    u ∈ [−2, 2),   y = v − 2 b + (⌊u⌋ mod 2),   both divided by 0.45.

So the board spans ±4.444, its cells have the side 2.222, and the filled ones are those whose two cell
numbers (⌊0.45 u⌋, ⌊0.45 y⌋) have an even sum. The true density is known here, so whether a sample is
possible at all can be decided exactly: that is what the metric `cells` counts.
"""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.datasets.pictures import Split
from kdm.licences import OWN
from storage.digest import digest_of
from storage.noise import split_code
from storage.options import Options

CELLS_PER_UNIT = 0.45  # the notebook divides the unit board by this
CELLS_EACH_WAY = 2  # cells run from -2 to 1 on either axis

# Last word of the Philox counter; pairs use 0 (noise) and 1 (labels), see storage.noise.
_PURPOSE = 2


class CheckerboardData(Options):
    """Points drawn evenly from the filled cells; each split is a pure function of (seed, split).

    The splits have separate streams (`split_code`), so no held-out point is a training point, at
    any number of points.
    """

    version: ClassVar[int] = 1  # raised by a change of the numbers
    license: ClassVar[str] = OWN
    num_classes: ClassVar[None] = None
    has_heldout: ClassVar[bool] = True

    kind: Literal["checkerboard"] = "checkerboard"
    num_train: int = Field(200_000, ge=1, le=10**9)  # points that a teacher learns from
    num_heldout: int = Field(20_000, ge=1, le=10**9)  # other points, which calibrate filters
    seed: int = Field(0, ge=0, le=2**64 - 1)  # of the points

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one point."""
        return (2,)

    def train(self) -> NDArray[np.float32]:
        """What a teacher learns from: float32 [num_train, 2]."""
        return _draw(self.seed, "train", self.num_train)

    def heldout(self) -> NDArray[np.float32]:
        """Real points that no teacher saw: float32 [num_heldout, 2]."""
        return _draw(self.seed, "heldout", self.num_heldout)

    def labels(self, split: Split = "train") -> None:
        """Points of the plane don't have classes."""

    def digest(self) -> str:
        """The digest of all that determines both splits."""
        return digest_of({**self.model_dump(mode="json"), "version": self.version})


def cell_of(points: NDArray[Any]) -> NDArray[np.int64]:
    """The cell of each point, [n, 2] to int64 [n, 2]; the board is -2 … 1 on each axis."""
    cells = np.floor(CELLS_PER_UNIT * np.asarray(points, np.float64))
    return cells.astype(np.int64)


def in_cells(points: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each point of [n, 2] is in one of the eight filled cells: bool [n].

    A cell is filled if its two numbers have an even sum; nothing is filled off the board.
    """
    cells = cell_of(points)
    on_board = ((cells >= -CELLS_EACH_WAY) & (cells < CELLS_EACH_WAY)).all(axis=1)
    is_filled: NDArray[np.bool_] = on_board & (cells.sum(axis=1) % 2 == 0)
    return is_filled


def _draw(seed: int, split: str, num_points: int) -> NDArray[np.float32]:
    """Points of a split, float32 [num_points, 2], from three uniform numbers each."""
    key = np.array([seed, split_code(split)], np.uint64)
    counter = np.array([0, 0, 0, _PURPOSE], np.uint64)
    stream = np.random.RandomState(np.random.Philox(key=key, counter=counter))
    across, up, half = stream.random_sample((num_points, 3)).T
    u = 4 * across - 2
    y = up - 2 * (half < 0.5) + np.floor(u) % 2
    return (np.stack([u, y], axis=1) / CELLS_PER_UNIT).astype(np.float32)
