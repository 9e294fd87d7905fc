"""A published set as rows, whatever files it lies in, and these rows as pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from storage.importers.imported import ImportOptions
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema

BLOCK_NUMBERS = 2**20  # of an end, in memory at once: 8 MB of float64


class PublishedRows(NamedTuple):
    """Rows as they lie in the source: both ends [n, *shape], states between [n, K, *shape], label."""

    first: NDArray[Any]
    last: NDArray[Any]
    between: NDArray[Any] | None = None
    label: NDArray[Any] | None = None  # int64 [n], where the source gives it out


class PublishedSource(Protocol):
    """A published set; its files must not change while it is read."""

    @property
    def importer(self) -> str:
        """Its name."""

    @property
    def version(self) -> int:
        """Raised where equal files would make other pairs."""

    @property
    def num_pairs(self) -> int:
        """Pairs in all files."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one end of one pair."""

    @property
    def num_between(self) -> int:
        """States between the ends that are to be kept."""

    @property
    def num_classes(self) -> int | None:
        """Length of the one-hot labels; None without labels."""

    def rows(self, first: int, last: int) -> PublishedRows:
        """The pairs of a half-open range; a ValueError that names the file where one is unusable."""

    def place(self, row: int) -> str:
        """The file that a pair lies in, and where in it, for a message."""

    def digest(self) -> str:
        """The sha256 of the whole source; all of it was read once before."""


def blocks(first: int, last: int, *, num_values: int, group: int = 1) -> Iterator[tuple[int, int]]:
    """A range in ranges that fit in memory, multiples of `group` but for the last."""
    step = max(BLOCK_NUMBERS // num_values // group, 1) * group
    for start in range(first, last, step):
        yield start, min(start + step, last)


@dataclass(frozen=True)
class Conversion:
    """How rows become pairs: which end is noise, what it is multiplied by, and the stored types."""

    noise_is_first: bool
    factor: float
    schema: PairSchema

    def pairs(self, rows: PublishedRows, index: NDArray[np.int64]) -> PairBatch:
        """Float32 pairs, nothing rounded further yet; wider numbers are cast, float32 is the widest."""
        ends = (rows.first, rows.last) if self.noise_is_first else (rows.last, rows.first)
        between = rows.between
        if between is not None and not self.noise_is_first:
            between = between[:, ::-1]
        x_T, x_0 = self._scaled(ends[0]), _float32(ends[1])
        states = None if between is None else _float32(between)
        return PairBatch(index, x_T, x_0, rows.label, states)

    def _scaled(self, noise: NDArray[Any]) -> NDArray[np.float32]:
        if self.factor == 1:
            return _float32(noise)
        return _float32(noise.astype(np.float64) * self.factor)


def schema_of(
    source: PublishedSource, options: ImportOptions, *, noise_scale: float = 1.0
) -> PairSchema:
    """What one pair of the imported set is."""
    classes = source.num_classes
    return PairSchema(
        shape=source.shape,
        x_0_dtype=options.x_0_dtype,
        rounding="half-even" if options.x_0_dtype == "uint8" else "none",
        noise=NoiseRule(kind="stored", scale=noise_scale),
        x_T_dtype=options.x_T_dtype,
        label=None if classes is None else LabelRule(rule="stored", num_classes=classes),
        num_states=source.num_between,
        states_dtype=options.states_dtype,
    )


def _float32(array: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, and is found as such
        return np.ascontiguousarray(array, np.float32)
