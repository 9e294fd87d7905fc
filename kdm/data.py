"""From pairs or points to batches on a device; the state of a source is (epoch, offset).

The order comes from `storage.reading.order` alone: a permutation for each epoch that depends on seed
and epoch. The offset counts indices before masks, batches continue across the ends of epochs, and each has
exactly `batch_size` rows that masks keep. Pairs on the device, in the host's memory or in files give the same
batches, bit for bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from kdm.batch import Batch
from storage.reading.order import Order, Position
from storage.reading.reader import PairReader
from storage.reading.share import WHOLE, Share
from storage.records import LoadedPairs, PairBatch

# A byte is a pixel value 0 … 255; networks see −1 … 1: x / 127.5 − 1, as EDM has it (Karras et al. 2022).
HALF_RANGE = 127.5


class Source(ABC):
    """Batches without end, from any position on.

    Raises DamageError if a stored shard's digest doesn't agree, at the batch that needs it.
    """

    @property
    @abstractmethod
    def position(self) -> Position:
        """Where the next batch begins: all that has to be saved to continue."""

    @abstractmethod
    def seek(self, position: Position) -> None:
        """Continue from a position that a source of the same order and masks had."""

    @abstractmethod
    def next_batch(self) -> Batch:
        """The next `batch_size` kept rows, or a rank's share of them, on the source's device.

        x_0 (n, *shape) is float32, of −1 … 1 if it was stored as bytes.
        """


class StreamedSource(Source):
    """Batches of pairs read from files as they are needed; memory doesn't grow with the set."""

    def __init__(self, reader: PairReader, device: torch.device | None = None) -> None:
        self._reader = reader
        self._device = device or torch.device("cpu")
        self._position = reader.position
        self._batches = iter(reader)

    @property
    def position(self) -> Position:
        return self._position

    def seek(self, position: Position) -> None:
        self.close()
        self._position = position
        self._batches = iter(replace(self._reader, position=position))

    def next_batch(self) -> Batch:
        self._position, pairs = next(self._batches)
        return batch_of(pairs, self._device)

    def close(self) -> None:
        """End the threads that read ahead."""
        self._batches.close()


class MemorySource(Source):
    """Batches from whole columns in memory: `x_0` (rows, *shape), and `x_T`, `label`, `states` if any.

    `row_of_index` (count,) is the row of each index of the set, −1 for one that masks drop. Batches
    are gathered where the columns are, and then sent to `device` (their own by default). Raises a
    ValueError if masks drop every index.
    """

    def __init__(
        self,
        columns: Mapping[str, Tensor],
        *,
        row_of_index: NDArray[np.int64],
        order: Order,
        batch_size: int,
        device: torch.device | None = None,
        share: Share = WHOLE,
    ) -> None:
        if not (row_of_index >= 0).any():
            raise ValueError(
                f"filters dropped all of the {len(row_of_index):,} indices; choose other masks or "
                "a milder threshold"
            )
        self._columns = dict(columns)
        self._row_of_index = row_of_index
        self._order = order
        self._batch_size = batch_size
        self._mine = share.rows(batch_size)
        self._device = device or columns["x_0"].device
        self.seek(Position())

    @property
    def position(self) -> Position:
        return Position(self._epoch, self._offset)

    def seek(self, position: Position) -> None:
        self._open(position.epoch)
        self._offset = position.offset
        self._next = int(np.searchsorted(self._kept_at, position.offset))

    def next_batch(self) -> Batch:
        parts = [self._take(self._batch_size)]
        while (missing := self._batch_size - sum(len(rows) for _, rows in parts)) > 0:
            self._open(self._epoch + 1)
            parts.append(self._take(missing))
        index, rows = parts[0] if len(parts) == 1 else map(torch.cat, zip(*parts, strict=True))
        return self._gather(index[self._mine], rows[self._mine])

    def _open(self, epoch: int) -> None:
        """Begin an epoch: its kept indices in order, and the place of each in the epoch."""
        index = self._order.epoch(epoch)
        rows = self._row_of_index[index]
        kept_at = np.flatnonzero(rows >= 0)
        device = self._columns["x_0"].device
        self._kept_at = kept_at
        self._index = torch.from_numpy(index[kept_at]).to(device)
        self._rows = torch.from_numpy(rows[kept_at]).to(device)
        self._epoch, self._offset, self._next = epoch, 0, 0

    def _take(self, at_most: int) -> tuple[Tensor, Tensor]:
        """Indices and rows of the epoch's next kept pairs; fewer than `at_most` at its end."""
        chosen = slice(self._next, self._next + at_most)
        index, rows = self._index[chosen], self._rows[chosen]
        if len(rows):
            self._next += len(rows)
            self._offset = int(self._kept_at[self._next - 1]) + 1
        return index, rows

    def _gather(self, index: Tensor, rows: Tensor) -> Batch:
        taken = {name: each.index_select(0, rows) for name, each in self._columns.items()}
        return _batch({"index": index, **taken}, self._device)


def pairs_source(
    loaded: LoadedPairs, *, seed: int, batch_size: int, device: torch.device | None = None
) -> MemorySource:
    """Batches of loaded pairs (x_T, x_0) on a device; `seed` is the order's."""
    return MemorySource(
        _tensors(_columns(loaded.pairs), device),
        row_of_index=loaded.row_of_index,
        order=Order(seed, loaded.count),
        batch_size=batch_size,
    )


def resident_source(
    reader: PairReader, *, lie_on: torch.device, device: torch.device | None = None
) -> MemorySource:
    """The batches of a reader from its start, with all pairs decoded once into memory of `lie_on`.

    Shards are decoded one by one into columns for all of them, so that no pair is held twice.
    """
    count, num_rows = reader.order.count, 0
    row_of_index = np.full(count, -1, np.int64)
    columns: dict[str, Tensor] = {}
    for stored in reader.store.kept(count, reader.taken):
        pairs = stored if reader.has_states else replace(stored, states=None)
        rows = slice(num_rows, num_rows + len(pairs))
        for name, rest in _tensors(_columns(pairs), None).items():
            if name not in columns:
                shape = (count, *rest.shape[1:])
                columns[name] = torch.empty(shape, dtype=rest.dtype, device=lie_on)
            columns[name][rows] = rest
        row_of_index[pairs.index] = np.arange(rows.start, rows.stop)
        num_rows = rows.stop
    return MemorySource(
        {name: column[:num_rows] for name, column in columns.items()},
        row_of_index=row_of_index,
        order=reader.order,
        batch_size=reader.batch_size,
        device=device,
        share=reader.share,
    )


def points_source(
    points: NDArray[Any],
    labels: NDArray[np.int64] | None = None,
    *,
    seed: int,
    batch_size: int,
    device: torch.device | None = None,
    share: Share = WHOLE,
) -> MemorySource:
    """Batches of points x_0 (n, *shape) and their labels (n,) if any; `seed` is the order's."""
    columns = {"x_0": points} if labels is None else {"x_0": points, "label": labels}
    return MemorySource(
        _tensors(columns, device),
        row_of_index=np.arange(len(points), dtype=np.int64),
        order=Order(seed, len(points), is_dealt=False),
        batch_size=batch_size,
        share=share,
    )


class PairDataset(IterableDataset[tuple[Position, Batch]]):
    """A reader's batches for PyTorch's DataLoader, each with the position behind it.

    `DataLoader(PairDataset(reader), batch_size=None, num_workers=2)` gives the reader's batches in
    the reader's order, from any number of workers. To continue later, start a reader at the position
    that came with the last batch that was used.
    """

    def __init__(self, reader: PairReader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[tuple[Position, Batch]]:
        info = get_worker_info()
        reader = self._reader
        if info is not None:
            reader = reader.in_worker(info.id, info.num_workers)
        for position, pairs in reader:
            yield position, batch_of(pairs)


def batch_of(pairs: PairBatch, device: torch.device | None = None) -> Batch:
    """Pairs (numpy) as a batch of tensors on a device (the CPU by default)."""
    columns = {"index": pairs.index, **_columns(pairs)}
    return _batch(_tensors(columns, None), device or torch.device("cpu"))


def _batch(tensors: Mapping[str, Tensor], device: torch.device) -> Batch:
    """A batch on a device from tensors that are anywhere."""
    sent = {name: _sent(tensor, device) for name, tensor in tensors.items()}
    # Bytes become floats on the device, for any place of the pairs, so that they are rounded alike.
    return Batch(
        index=sent["index"],
        x_0=as_float(sent["x_0"]),
        x_T=sent.get("x_T"),
        label=sent.get("label"),
        states=as_float(sent["states"]) if "states" in sent else None,
    )


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; from host to GPU by a copy that nothing waits for."""
    if tensor.device.type == "cpu" and device.type == "cuda":
        # The host doesn't wait for the copy; torch keeps the pinned memory until it is done.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def _columns(pairs: PairBatch) -> dict[str, NDArray[Any]]:
    columns = {"x_0": pairs.x_0, "x_T": pairs.x_T, "label": pairs.label, "states": pairs.states}
    return {name: column for name, column in columns.items() if column is not None}


def as_float(x: Tensor) -> Tensor:
    """x of any shape as float32: bytes become −1 … 1, other types keep their values."""
    if x.dtype == torch.uint8:
        return x.to(torch.float32).div_(HALF_RANGE).sub_(1)
    return x.to(torch.float32)


def _tensors(columns: Mapping[str, NDArray[Any]], device: torch.device | None) -> dict[str, Tensor]:
    return {
        name: torch.from_numpy(np.ascontiguousarray(column)).to(device or torch.device("cpu"))
        for name, column in columns.items()
    }
