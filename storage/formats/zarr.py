"""Shards as Zarr v3: one group of arrays, one Zarr shard a shard and field (docs/store.md).

Row number is index: if an index was dropped, `index` holds -1 and the rest zeros. The bytes of a
shard are laid out here, so that no release to come of the library changes them; the library writes
the metadata, and a test holds that it writes and reads the same shards.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, sha256_of
from storage.formats.column import Buffer, Column, gather
from storage.formats.pair_format import require_indices, require_size
from storage.formats.shard_file import EncodedShard, ShardFile
from storage.plugins import Plugin
from storage.records import Columns, PairSchema, RowType

MAX_CHUNK_ROWS = 256
_NO_SAMPLE = -1  # in `index`
_MISSING = 2**64 - 1  # Zarr's marker of a chunk that was never written
_CRC_BYTES = 4
_NAME = re.compile(r"(?:index|label|states|x_0|x_T)/c/(0|[1-9][0-9]{0,17})(?:/0)*")
_PICTURE = ("channel", "height", "width")
_NOISE_FORMULA = (
    "x_T of sample i, where no array x_T is stored: float32(scale * numpy.random.RandomState("
    "numpy.random.Philox(key=uint64[seed, split], counter=uint64[0, 0, i, 0])).standard_normal(n)), "
    "split 0 for train, 1 for heldout, else the first 8 bytes of its name's sha256, big-endian"
)


class ZarrFormat(Plugin):
    """A group that plain `zarr` reads: `zarr.open_group(url)["x_0"]`."""

    plugin: ClassVar[str] = "zarr"

    def encode(
        self, shard: int, columns: Columns, schema: PairSchema, shard_size: int
    ) -> EncodedShard:
        """One file a field; a dropped index leaves -1 and zeros in its row."""
        require_size(schema, shard_size)
        rows = columns["index"] - shard * shard_size
        parts = {
            _part(name, shard, row): _zarr_shard(_full(name, columns, rows, row, shard_size))
            for name, row in schema.row_types.items()
        }
        digests = {name: sha256_of(data) for name, data in parts.items()}
        num_bytes = sum(map(len, parts.values()))
        return EncodedShard(
            ShardFile(_shard_name(shard), digest_of(digests), num_bytes, digests), parts
        )

    def require_names(self, shard: int, file: ShardFile, schema: PairSchema) -> None:
        """One file a field, named by its array and its shard."""
        expected = sorted(_part(name, shard, row) for name, row in schema.row_types.items())
        if file.name != _shard_name(shard) or sorted(file.parts) != expected:
            raise ValueError(f"the files of shard {shard} are {', '.join(expected)}")
        if file.file_digest != digest_of(dict(file.parts)):
            raise ValueError("the file digest is not that of its files' digests")

    def max_bytes(self, schema: PairSchema, shard_size: int) -> int:
        """Every shard has as many."""
        require_size(schema, shard_size)
        return sum(_Grid.of(row, shard_size).num_bytes for row in schema.row_types.values())

    def locate(
        self, shard: int, parts: Mapping[str, Buffer], schema: PairSchema, shard_size: int
    ) -> dict[str, Column]:
        """The rows of each array that hold a sample; every chunk's crc32c is checked."""
        row_types = schema.row_types
        names = {field: _part(field, shard, row) for field, row in row_types.items()}
        if sorted(parts) != sorted(names.values()):
            raise ValueError(f"the files of shard {shard} are {', '.join(sorted(names.values()))}")
        columns = {
            field: _column(names[field], parts[names[field]], row, shard_size)
            for field, row in row_types.items()
        }
        index = gather(columns["index"], parts[names["index"]])
        is_kept = index != _NO_SAMPLE
        expected = shard * shard_size + np.flatnonzero(is_kept)
        require_indices(index[is_kept], shard, shard_size)
        if not np.array_equal(index[is_kept], expected):
            raise ValueError("holds an index in the row of another")
        _require_empty(columns, parts, ~is_kept)
        return {
            field: column._replace(offsets=column.offsets[is_kept])
            for field, column in columns.items()
        }

    def shard_of(self, name: str) -> int | None:
        """`x_0/c/12/0/0/0` is of shard 12."""
        match = _NAME.fullmatch(name)
        return int(match[1]) if match else None

    def metadata(self, num_shards: int, schema: PairSchema, shard_size: int) -> dict[str, bytes]:
        """`zarr.json` of the group and of each array, over the first `num_shards` shards."""
        import zarr  # only to write or check metadata: it takes half a second
        from zarr.codecs import BytesCodec, Crc32cCodec
        from zarr.storage import MemoryStore

        files: dict[str, Any] = {}
        about = {"noise": schema.noise.model_dump(mode="json"), "x_T": _NOISE_FORMULA}
        group = zarr.create_group(MemoryStore(files), attributes=about)
        for name, row in schema.row_types.items():
            group.create_array(
                name,
                shape=(num_shards * shard_size, *row.shape),
                chunks=(_Grid.of(row, shard_size).chunk_rows, *row.shape),
                shards=(shard_size, *row.shape),
                dtype=row.dtype,
                fill_value=_NO_SAMPLE if name == "index" else 0,
                serializer=BytesCodec(endian="little"),
                compressors=[Crc32cCodec()],
                filters=None,
                dimension_names=_dimensions(name, row),
                config={"write_empty_chunks": True},
            )
        return {name: bytes(data.to_bytes()) for name, data in sorted(files.items())}


class _Grid(NamedTuple):
    """The chunks of one field in one shard."""

    num_chunks: int
    chunk_rows: int
    chunk_bytes: int  # with its checksum

    @classmethod
    def of(cls, row: RowType, shard_size: int) -> "_Grid":
        chunk_rows = min(MAX_CHUNK_ROWS, shard_size)
        num_chunks = shard_size // chunk_rows
        return cls(num_chunks, chunk_rows, chunk_rows * row.num_bytes + _CRC_BYTES)

    @property
    def num_bytes(self) -> int:
        """Bytes of the whole file: chunks, offset and length of each, and their checksum."""
        return self.num_chunks * (self.chunk_bytes + 16) + _CRC_BYTES

    @property
    def index_start(self) -> int:
        """Where the table of offsets and lengths begins."""
        return self.num_chunks * self.chunk_bytes

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the chunks begin, in rising order: they fill all before the table."""
        return np.arange(self.num_chunks, dtype=np.int64) * self.chunk_bytes


def _shard_name(shard: int) -> str:
    return f"{shard:06d}"


def _part(field: str, shard: int, row: RowType) -> str:
    return f"{field}/c/{shard}" + "/0" * len(row.shape)


def _dimensions(field: str, row: RowType) -> tuple[str, ...]:
    front = ("sample", "state") if field == "states" else ("sample",)
    num_left = 1 + len(row.shape) - len(front)
    if num_left == len(_PICTURE):
        return (*front, *_PICTURE)
    return front + tuple(f"axis_{number}" for number in range(1, num_left + 1))


def _full(
    field: str, columns: Columns, rows: NDArray[Any], row: RowType, shard_size: int
) -> NDArray[Any]:
    """A field over all indices of the shard, dropped ones too."""
    column = columns[field].astype(row.dtype, casting="equiv", copy=False)
    if len(rows) == shard_size:
        return np.ascontiguousarray(column)
    full = np.full((shard_size, *row.shape), _NO_SAMPLE if field == "index" else 0, row.dtype)
    full[rows] = column
    return full


def _zarr_shard(full: NDArray[Any]) -> bytes:
    """The codec `sharding_indexed` with its table at the end, around `bytes` and `crc32c`."""
    grid = _Grid.of(RowType(full.dtype, full.shape[1:]), len(full))
    chunks = full.reshape(grid.num_chunks, -1).view(np.uint8)
    pieces = [piece for chunk in chunks for piece in (chunk.data, _crc32c(chunk))]
    lengths = np.full(grid.num_chunks, grid.chunk_bytes)
    table = np.stack([grid.starts, lengths], axis=1).astype("<u8").tobytes()
    return b"".join([*pieces, table, _crc32c(np.frombuffer(table, np.uint8))])


def _column(part: str, data: Buffer, row: RowType, shard_size: int) -> Column:
    """All rows of a Zarr shard, once its table and checksums hold."""
    grid = _Grid.of(row, shard_size)
    if len(data) != grid.num_bytes:
        raise ValueError(f"{part} has {len(data):,} bytes, {grid.num_bytes:,} would be right")
    everything = np.frombuffer(data, np.uint8)
    table = everything[grid.index_start : -_CRC_BYTES]
    _require_crc(everything[grid.index_start :], f"the table of {part}")
    starts = _starts(table.view("<u8").reshape(grid.num_chunks, 2), grid, part)
    for number, start in enumerate(starts.tolist()):
        _require_crc(everything[start : start + grid.chunk_bytes], f"chunk {number} of {part}")
    offsets = starts[:, None] + row.num_bytes * np.arange(grid.chunk_rows)
    return Column(part, row.dtype, row.shape, offsets.reshape(-1))


def _starts(table: NDArray[np.uint64], grid: _Grid, part: str) -> NDArray[np.int64]:
    """The chunks' offsets: side by side, none twice and none elsewhere."""
    if (table == _MISSING).any():
        raise ValueError(f"chunk {int((table == _MISSING).argmax()) // 2} of {part} is missing")
    if (table[:, 1] != grid.chunk_bytes).any() or not np.array_equal(
        np.sort(table[:, 0]), grid.starts.astype(np.uint64)
    ):
        raise ValueError(f"the chunks of {part} do not lie side by side")
    return table[:, 0].astype(np.int64)


def _require_empty(
    columns: dict[str, Column], parts: Mapping[str, Buffer], is_dropped: NDArray[np.bool_]
) -> None:
    """Rows of left-out samples are empty."""
    rows = np.flatnonzero(is_dropped)
    for field, column in columns.items():
        if field != "index" and gather(column, parts[column.part], rows).view(np.uint8).any():
            raise ValueError(f"{column.part} holds values of a sample that `index` leaves out")


def _require_crc(block: NDArray[np.uint8], what: str) -> None:
    if _crc32c(block[:-_CRC_BYTES]) != block[-_CRC_BYTES:].tobytes():
        raise ValueError(f"{what} does not have its crc32c")


def _crc32c(block: NDArray[np.uint8]) -> bytes:
    constant = block.view()
    constant.flags.writeable = False  # the library takes no other
    return int(google_crc32c.value(constant)).to_bytes(_CRC_BYTES, "little")
