"""Groups of shards for an engine's workers: large enough to cost little, small enough to end together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.generation.unit import MadeUnit, Unit


@dataclass(frozen=True)
class Pace:
    """What handing a unit over costs decides how large it should be."""

    seconds_a_unit: float = 5.0
    smallest_unit: int = 1  # shards


@dataclass
class Units:
    """The units of one split's shards, in their order; `ended` tells how long shards take."""

    split: str
    shards: Sequence[int]
    num_workers: int
    pace: Pace
    _num_given: int = 0
    _seconds_a_shard: float | None = None

    def __iter__(self) -> Iterator[Unit]:
        while self._num_given < len(self.shards):
            first, size = self._num_given, self._size()
            self._num_given += size
            yield Unit(self.split, self.shards[first : first + size])

    def ended(self, made: MadeUnit) -> None:
        """Note how long a unit took."""
        if made.written:
            self._seconds_a_shard = made.wall_seconds / len(made.written)

    def _size(self) -> int:
        """The smallest until a shard is timed; towards the end less, so that all workers end together."""
        num_left = len(self.shards) - self._num_given
        by_time = 1
        if self._seconds_a_shard is not None:
            by_time = int(self.pace.seconds_a_unit / max(self._seconds_a_shard, 1e-6))
        size = min(by_time, num_left // (2 * self.num_workers))
        return min(num_left, max(self.pace.smallest_unit, size))
