"""Gives the store everything hostile, in a process of its own.

Its folder of work is empty but for what this script is meant to write below `set/`.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial

from hostile_documents import MANIFESTS, RECORD_BYTES, RECORDS, ROWS, SCHEMAS, ZARR, Parts
from hostile_tars import SCHEMA, SHARD_SIZE, TARS
from made_shards import format_of
from refusals import tell

from storage.digest import seal
from storage.folders import Folder, folder_at
from storage.ledger_files import MAX_MANIFEST_BYTES, MAX_RECORD_BYTES, read_manifest, read_record
from storage.options import parse
from storage.records import PairSchema

Attempt = tuple[str, Callable[[], object]]
VAST = {
    "a tar": ("000000-0123456789ab.tar", format_of("wds").max_bytes(SCHEMA, 65_536)),
    "a record": ("000000.json", MAX_RECORD_BYTES),
    "a manifest": ("000003.json", MAX_MANIFEST_BYTES),
}


def attempts(folder: Folder) -> Iterator[Attempt]:
    """Each by its name; what is hostile is made before the clock starts."""
    for name, make in TARS.items():
        yield f"tar: {name}", partial(read_tar, make())
    for name, make_parts in ZARR.items():
        yield f"zarr: {name}", partial(read_zarr, make_parts())
    for name, make_record in RECORDS.items():
        folder.replace("000000.json", seal(make_record()))
        yield f"record: {name}", partial(follow_record, folder)
    for name, make_bytes in RECORD_BYTES.items():
        folder.replace("000000.json", make_bytes())
        yield f"record bytes: {name}", partial(read_record, folder, 0)
    for name, (make_manifest, number) in MANIFESTS.items():
        folder.replace(f"{number:06d}.json", make_manifest())
        yield f"manifest: {name}", partial(read_manifest, folder, number)
    for name, fields in SCHEMAS.items():
        yield f"schema: {name}", partial(parse, PairSchema, fields, "spec.json: pairs")
    for name, (file, at_most) in VAST.items():
        os.truncate(os.open(f"{folder.url}/{file}", os.O_CREAT | os.O_RDWR), 10**9)
        yield f"10^9 bytes: {name}", partial(folder.read, file, at_most=at_most)


def read_tar(data: bytes) -> None:
    name = "000000-0123456789ab.tar"
    format_of("wds").locate(0, {name: data}, SCHEMA, SHARD_SIZE)


def read_zarr(parts: Parts) -> None:
    format_of("zarr").locate(0, parts, SCHEMA, ROWS)


def follow_record(folder: Folder) -> None:
    record = read_record(folder, 0)
    kind = record.layout.split("-")[0]
    format_of(kind).require_names(0, record.shard_file, SCHEMA)


if __name__ == "__main__":
    tell(attempts(folder_at("set")))
