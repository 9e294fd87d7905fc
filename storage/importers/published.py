"""A published set as rows, from any kind of files: the contract of an importer."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

BLOCK_NUMBERS = 2**20  # of an end, in memory at once: 8 MB of float64


class PublishedRows(NamedTuple):
    """Rows as the source has them: both ends [n, *shape], states between [n, K, *shape], label."""

    first: NDArray[Any]
    last: NDArray[Any]
    between: NDArray[Any] | None = None
    label: NDArray[Any] | None = None  # int64 [n], if the source has it


class PublishedSource(Protocol):
    """A published set; its files must not change while it is read."""

    @property
    def importer(self) -> str:
        """Its name."""

    @property
    def version(self) -> int:
        """Raise it when equal files would make other pairs."""

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
        """The pairs of a half-open range; a ValueError that names the file if one is unusable."""

    def place(self, row: int) -> str:
        """The file that a pair lies in, and where in it, for a message."""

    def digest(self) -> str:
        """The sha256 of the whole source; all of it was read once before."""


def blocks(first: int, last: int, *, num_values: int, group: int = 1) -> Iterator[tuple[int, int]]:
    """A range in ranges that fit in memory, multiples of `group` except the last."""
    step = max(BLOCK_NUMBERS // num_values // group, 1) * group
    for start in range(first, last, step):
        yield start, min(start + step, last)
