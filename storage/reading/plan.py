"""Which rows each batch holds, and whose they are: numbers alone, no sample is read here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.reading.open_shard import OpenShard
from storage.reading.order import Position, Window
from storage.reading.share import Share


@dataclass(frozen=True)
class Kept:
    """Rows of one window left after generation and masks dropped some, in the order of reading."""

    epoch: int
    shards: Mapping[int, OpenShard]
    index: NDArray[np.int64]
    shard: NDArray[np.int64]
    row: NDArray[np.int64]  # within the shard
    passed: NDArray[np.int64]  # indices of the epoch up to this row and with it, dropped ones too

    @classmethod
    def of(cls, window: Window, shards: Mapping[int, OpenShard], shard_size: int) -> "Kept":
        """What is left of a window; `shards` are all that it needs."""
        numbers, which = np.unique(window.index // shard_size, return_inverse=True)
        row_of_index = np.stack([shards[number].row_of_index for number in numbers.tolist()])
        row = row_of_index[which, window.index % shard_size]
        kept = np.flatnonzero(row >= 0)
        return cls(
            window.epoch,
            shards,
            index=window.index[kept],
            shard=numbers[which[kept]],
            row=row[kept],
            passed=window.offset + kept + 1,
        )

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: slice) -> "Kept":
        """Some of the rows."""
        columns = (self.index, self.shard, self.row, self.passed)
        return Kept(self.epoch, self.shards, *(column[rows] for column in columns))


class Batch(NamedTuple):
    """A rank's rows of one batch, and the position behind all of the batch."""

    position: Position
    parts: list[Kept]


def batches(windows: Iterable[Kept], *, batch_size: int, share: Share) -> Iterator[Batch]:
    """A share of the batches: each has the next `batch_size` kept rows, over the ends of epochs too."""
    mine = share.rows(batch_size)
    number, parts, missing = 0, list[Kept](), batch_size
    for window in windows:
        rest = window
        while len(rest) >= missing:
            parts.append(rest.take(slice(missing)))
            rest = rest.take(slice(missing, None))
            if number % share.workers == share.worker:
                position = Position(window.epoch, int(parts[-1].passed[-1]))
                yield Batch(position, _taken(parts, mine))
            number, parts, missing = number + 1, [], batch_size
        if len(rest):
            parts.append(rest)
            missing -= len(rest)


def _taken(parts: list[Kept], rows: slice) -> list[Kept]:
    """Rows of the parts as if they were one after the other."""
    taken, first, step = [], 0, rows.step or 1
    for part in parts:
        start = rows.start - first
        start = start if start >= 0 else start % step
        taken.append(part.take(slice(start, max(rows.stop - first, 0), step)))
        first += len(part)
    return [part for part in taken if len(part)]
