"""A shard that was checked: which of its rows are kept, and how to read them by their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.errors import DamageError
from storage.formats.column import Column, gather
from storage.masks import Mask, read_keeps
from storage.reading.cache import ShardCache
from storage.reading.open_file import OpenFile
from storage.shard_record import Record
from storage.store import PairStore

# Columns of smaller rows stay in memory while their shard is open: two windows of 65,536 rows are 8 MB
# each. A system call costs as much as copying some 4 KB.
SMALL_ROW = 64


@dataclass(frozen=True)
class ShardFiles:
    """Where a store's files are opened: on its own disk, or in the cache if it is remote."""

    store: PairStore
    cache: ShardCache | None

    def open(self, record: Record, name: str) -> OpenFile:
        """One of a shard's files."""
        shards, file = self.store.shards, record.shard_file
        try:
            if self.cache is None:
                return OpenFile(shards.local_path(name))
            # Not more than is recorded: a file that has grown was never written like that.
            return self.cache.open(
                file.parts.get(name, file.file_digest),
                lambda: shards.read(name, at_most=record.num_bytes),
            )
        except FileNotFoundError as error:
            raise DamageError(
                f"{shards.url}/{name} is missing; run 'kdm pairs repair', or generate-pairs again"
            ) from error

    def located(self, record: Record, opened: dict[str, OpenFile]) -> dict[str, Column]:
        """Where the rows of a shard are; its bytes are checked once per process."""
        file = record.shard_file
        if sum(each.num_bytes for each in opened.values()) != record.num_bytes:
            # Read within bounds, so that a file of any size is refused with the usual sentence.
            self.store.files.require_bytes(file, self.store.files.read(record.shard, file))
        return self.store.check(record, {name: each.mapped() for name, each in opened.items()})


class OpenShard:
    """Rows of one shard; it holds its files open, or opens them for each use."""

    def __init__(
        self, files: ShardFiles, record: Record, masks: Sequence[Mask], *, holds_files: bool
    ) -> None:
        files.store.files.require_names(record.shard, record.shard_file)
        opened = {name: files.open(record, name) for name in record.shard_file.names}
        located = files.located(record, opened)
        self.row_of_index = _row_of_index(files.store, record, masks)
        self.num_bytes = record.num_bytes
        self._files, self._record = files, record
        self._opened = opened if holds_files else {}
        self._in_memory = {
            name: gather(column, opened[column.part].mapped())
            for name, column in located.items()
            if column.dtype.itemsize * int(np.prod(column.row_shape)) <= SMALL_ROW
        }
        self._in_files = {name: c for name, c in located.items() if name not in self._in_memory}

    def fill(
        self, column: NDArray[Any], name: str, *, rows: NDArray[np.int64], places: list[int]
    ) -> None:
        """Put the field `name` of these rows at those places of a column."""
        if name in self._in_memory:
            column[places] = self._in_memory[name][rows]
            return
        part, _, _, offsets = self._in_files[name]
        file = self._opened.get(part) or self._files.open(self._record, part)
        file.read_rows(offsets[rows], column, places)


def _row_of_index(store: PairStore, record: Record, masks: Sequence[Mask]) -> NDArray[np.int64]:
    """The row of each of a shard's indices; −1 if generation or a mask dropped it."""
    folder = store.base / "masks"
    keep = read_keeps(folder, masks, record.content_digest, num_rows=record.kept)
    row_of_index = np.full(store.shard_size, -1, np.int64)
    kept = np.array(record.kept_indices(), np.int64) - record.first_index
    row_of_index[kept[keep]] = np.flatnonzero(keep)
    return row_of_index
