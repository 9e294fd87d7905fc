"""A filter that judges a pair by the other pairs of its split: near-duplicates, or the worst share of all.

Its scores are of one split with exactly these shards, so their digest is the filter's, its reference's and
that of the shards' contents: a set that grows is scored anew. The order in which shards are read, and how
many pairs a shard holds, change no score.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter, FittedFilter, Scores
from storage.records import PairBatch


class PairShards(Protocol):
    """All pairs of a split, a shard at a time; a shard may be read several times."""

    def __len__(self) -> int:
        """Number of shards."""

    def read(self, shard: int) -> PairBatch:
        """The pairs of one shard, in order of their index; x_0 as numbers -1 … 1."""


class FittedSetFilter(FittedFilter):
    """A fitted filter that sees a split whole."""

    @abstractmethod
    def score_all(self, shards: PairShards) -> list[Scores]:
        """For every shard one finite number per pair, float32 or float64 [n]."""

    def score(self, pairs: PairBatch) -> Scores:
        """The scores [n] of pairs that are a whole split; real samples that calibrate it are one."""
        (scores,) = self.score_all(_OneShard(pairs))
        return scores


class SetFilter(Filter):
    """The options of a filter whose fitted filter is a `FittedSetFilter`."""

    # How often it reads each shard, about: progress and its ETA count readings.
    num_readings: ClassVar[int] = 1

    @abstractmethod
    def fit(self, reference: NDArray[Any]) -> FittedSetFilter:
        """The filter for these real samples [m, *shape]; it may ignore them."""


def require_pair_by_pair(chosen: Filter) -> None:
    """Raise a ValueError if a filter can't judge pairs before they are stored."""
    if isinstance(chosen, SetFilter):
        raise ValueError(
            f"filter '{chosen.plugin}' judges each pair by the whole set, which isn't there before "
            "it is written; move it from pairs.drop_at_write to filters"
        )


@dataclass(frozen=True)
class _OneShard:
    pairs: PairBatch

    def __len__(self) -> int:
        return 1

    def read(self, shard: int) -> PairBatch:
        """The pairs."""
        assert shard == 0
        return self.pairs


def each_shard(shards: PairShards) -> Iterator[PairBatch]:
    """The shards in their order, each read as it is needed."""
    return (shards.read(number) for number in range(len(shards)))


def in_shards(values: NDArray[np.float64], lengths: Sequence[int]) -> list[Scores]:
    """Values [sum of lengths] of all pairs in order, as an array a shard."""
    return list(np.split(values, np.cumsum(lengths)[:-1]))
