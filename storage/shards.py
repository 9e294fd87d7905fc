"""The files of a store's shards: put whole, read within bounds, checked against what was recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from storage.digest import digest_of, sha256_of, short
from storage.errors import DamageError
from storage.folders import Folder
from storage.formats.column import Buffer, Column
from storage.formats.layout import Layout
from storage.formats.shard_file import ShardFile
from storage.records import PairSchema


class Put(NamedTuple):
    """What lay there under the same names, and whether all files of the shard are there now."""

    replaced: dict[str, bytes]
    is_whole: bool


@dataclass(frozen=True)
class Shards:
    """`shards/` of one split in one layout."""

    folder: Folder
    layout: Layout
    schema: PairSchema

    def put(
        self, parts: Mapping[str, bytes], *, is_recorded: Callable[[], bool] = lambda: False
    ) -> Put:
        """Write a shard's files.

        Files that no record vouches for are leftovers or damage, so these bytes replace them.
        Once `is_recorded`, another writer's record vouches for the files: nothing is replaced.
        """
        replaced: dict[str, bytes] = {}
        for name, data in parts.items():
            if self.folder.create(name, data):
                continue
            standing = _standing_bytes(self.folder, name)
            if standing == data:
                continue
            if is_recorded():  # asked at the last moment: a kill after it would leave damage
                return Put(replaced, is_whole=False)
            _put_in_place(self.folder, name, data, standing)
            if standing is not None:
                replaced[name] = standing
        return Put(replaced, is_whole=True)

    def put_metadata(self, num_shards: int) -> None:
        """Bring the layout's own files up to a set of so many shards; those that are right stay."""
        for name, data in self.metadata(num_shards).items():
            standing = _standing_bytes(self.folder, name)
            if standing != data:
                _put_in_place(self.folder, name, data, standing)

    def metadata(self, num_shards: int) -> dict[str, bytes]:
        """The layout's own files at the root of `shards/` for a set of so many shards."""
        return self.layout.format.metadata(num_shards, self.schema, self.layout.shard_size)

    def read(self, shard: int, file: ShardFile) -> dict[str, bytes]:
        """The bytes of a shard's files, checked only for their names and their number."""
        self.require_names(shard, file)
        return {name: self._read(name) for name in file.names}

    def max_bytes(self) -> int:
        """The most bytes that a shard may have; a ValueError if that is too much for memory."""
        return self.layout.format.max_bytes(self.schema, self.layout.shard_size)

    def require_names(self, shard: int, file: ShardFile) -> None:
        """Raise DamageError unless a record's files are those that the layout gives the shard."""
        try:
            self.layout.format.require_names(shard, file, self.schema)
        except ValueError as error:
            raise DamageError(
                f"the record of shard {shard} in {self.folder.url}: {error}"
            ) from None

    def require_bytes(self, file: ShardFile, parts: Mapping[str, Buffer]) -> None:
        """Raise DamageError, naming the file, if bytes aren't those that were recorded."""
        total = sum(map(len, parts.values()))
        for name in file.names:
            found, recorded = sha256_of(parts[name]), file.parts.get(name, file.file_digest)
            if found != recorded:
                raise DamageError(
                    f"{self.folder.url}/{name} has {len(parts[name]):,} bytes with sha256 "
                    f"{short(found)}…, recorded is {short(recorded)}…; run 'kdm pairs repair', "
                    "or remove it and run generate-pairs again, which makes that shard alone"
                )
        if total != file.num_bytes or (
            file.parts and digest_of(dict(file.parts)) != file.file_digest
        ):
            raise DamageError(
                f"{self.folder.url}/{file.name} has {total:,} bytes, its record says "
                f"{file.num_bytes:,}; remove the record and run generate-pairs again"
            )

    def locate(self, shard: int, file: ShardFile, parts: Mapping[str, Buffer]) -> dict[str, Column]:
        """Where each field's rows are in these bytes; DamageError if the layout is violated."""
        try:
            return self.layout.format.locate(shard, parts, self.schema, self.layout.shard_size)
        except ValueError as error:
            raise DamageError(f"{self.folder.url}/{file.name}: {error}; remove it") from error

    def _read(self, name: str) -> bytes:
        try:
            return self.folder.read(name, at_most=self.max_bytes())
        except FileNotFoundError as error:
            raise DamageError(
                f"{self.folder.url}/{name} is missing; run generate-pairs again to make it"
            ) from error


def _standing_bytes(folder: Folder, name: str) -> bytes | None:
    """What a file holds; None if it is missing, or a folder or pipe is in its place."""
    try:
        return folder.read(name)
    except (DamageError, FileNotFoundError):
        return None


def _put_in_place(folder: Folder, name: str, data: bytes, standing: bytes | None) -> None:
    """Write a file over anything of its name: without standing bytes, that may be a folder."""
    if standing is None:
        folder.remove(name)
    folder.replace(name, data)
