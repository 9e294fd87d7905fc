"""Shards as WebDataset tars: packed records of 256 samples as .npy members (STORE.md, 'Tar layout')."""

import io
import re
import tarfile
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from storage.digest import sha256_of, short
from storage.errors import DamageError
from storage.formats.layout import ShardFile
from storage.fs import Folder
from storage.plugins import Plugin
from storage.records import Columns, PairSchema

SAMPLES_A_RECORD = 256
_MEMBER = re.compile(r"(\d{8})\.(index|label|x_0|x_T)\.npy")


class WebDatasetFormat(Plugin):
    """Tars that plain `webdataset` reads; fixed owner, mode and time, so equal columns, equal bytes."""

    plugin: ClassVar[str] = "wds"

    def write(self, shards: Folder, stem: str, columns: Columns) -> ShardFile:
        """Write `STEM-FILEDIGEST.tar`: two different byte strings never share a name."""
        data = encode(columns)
        digest = sha256_of(data)
        name = f"{stem}-{short(digest)}.tar"
        if not shards.create(name, data) and sha256_of(shards.read(name)) != digest:
            # Its name promises other bytes, so it is damage, and this is the sound copy.
            shards.replace(name, data)
        return ShardFile(name, digest, len(data))

    def read(self, shards: Folder, file: ShardFile, schema: PairSchema) -> Columns:
        """The columns of a tar whose bytes have the recorded sha256."""
        where = f"{shards.url}/{file.name}"
        try:
            data = shards.read(file.name)
        except FileNotFoundError as error:
            raise DamageError(f"{where} is missing; run generate-pairs again to make it") from error
        if len(data) != file.num_bytes or sha256_of(data) != file.file_digest:
            raise DamageError(
                f"{where} has {len(data):,} bytes with sha256 {short(sha256_of(data))}…, recorded are "
                f"{file.num_bytes:,} with {short(file.file_digest)}…; remove it and run "
                "generate-pairs again: that shard alone is made anew"
            )
        return decode(data, schema, where)


def encode(columns: Columns) -> bytes:
    """The tar's bytes: members `NNNNNNNN.FIELD.npy` with a leading batch axis, fields sorted."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for record, rows in enumerate(_records(len(columns["index"]))):
            for name in sorted(columns):
                _add(tar, f"{record:08d}.{name}.npy", columns[name][rows])
    return buffer.getvalue()


def decode(data: bytes, schema: PairSchema, where: str) -> Columns:
    """The columns in a tar's bytes; `DamageError` where it holds anything but them."""
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in schema.stored_fields}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        for member in tar:
            match = _MEMBER.fullmatch(member.name)
            file = tar.extractfile(member) if member.isreg() and match else None
            if match is None or file is None or match[2] not in parts:
                raise DamageError(f"{where} holds '{member.name}', which no shard of this set has")
            content = io.BytesIO(file.read())
            parts[match[2]].append(np.lib.format.read_array(content, allow_pickle=False))
    lengths = {name: sum(map(len, arrays)) for name, arrays in parts.items()}
    if len(set(lengths.values())) != 1:
        raise DamageError(f"{where} holds columns of different lengths: {lengths}")
    return {name: _joined(arrays, name, schema) for name, arrays in parts.items()}


def _records(num_samples: int) -> Iterator[slice]:
    for first in range(0, num_samples, SAMPLES_A_RECORD):
        yield slice(first, first + SAMPLES_A_RECORD)


def _add(tar: tarfile.TarFile, name: str, array: NDArray[Any]) -> None:
    content = io.BytesIO()
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    np.lib.format.write_array(content, little, version=(1, 0), allow_pickle=False)
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = content.tell(), 0o644, 0
    content.seek(0)
    tar.addfile(member, content)


def _joined(arrays: list[NDArray[Any]], name: str, schema: PairSchema) -> NDArray[Any]:
    if arrays:
        return np.concatenate(arrays)
    shape = schema.shape if name in ("x_0", "x_T") else ()
    dtype = {"x_0": schema.x_0_dtype, "x_T": "float32"}.get(name, "int64")
    return np.empty((0, *shape), dtype)
