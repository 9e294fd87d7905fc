"""Zarr shards, records, manifests and schemas made by hand to do harm, each with one thing wrong."""

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import google_crc32c
import numpy as np
from hostile_tars import SCHEMA, SHARD_SIZE, Canary
from made_shards import format_of, made_columns

from storage.digest import digest_of, seal
from storage.ledger_files import MAX_MANIFEST_BYTES, MAX_RECORD_BYTES
from storage.manifest import Manifest
from storage.records import Columns
from storage.shard_record import Record

ROWS = 512  # two chunks
CHUNK = 256 * 8 + 4  # of x_0 and of index alike: eight bytes a row and a checksum
Parts = dict[str, bytes]


def columns() -> Columns:
    return made_columns(SCHEMA, [row for row in range(ROWS) if row != 3])


def parts() -> Parts:
    """A sound Zarr shard without index 3."""
    return format_of("zarr").encode(0, columns(), SCHEMA, ROWS).parts


def crc(data: bytes) -> bytes:
    return google_crc32c.value(data).to_bytes(4, "little")


def with_table(change: Callable[[np.ndarray], object]) -> Parts:
    """x_0 with its table of chunks (offset and length of each) changed and summed again."""
    found = parts()
    data = found["x_0/c/0/0"]
    table = np.frombuffer(data[-36:-4], "<u8").reshape(2, 2).copy()
    change(table)
    found["x_0/c/0/0"] = data[:-36] + table.tobytes() + crc(table.tobytes())
    return found


def with_row(part: str, row: int, value: bytes, *, is_summed: bool = True) -> Parts:
    """A row of the first chunk changed, the chunk summed again."""
    found = parts()
    data = bytearray(found[part])
    data[8 * row : 8 * row + 8] = value
    if is_summed:
        data[CHUNK - 4 : CHUNK] = crc(bytes(data[: CHUNK - 4]))
    found[part] = bytes(data)
    return found


def without(part: str) -> Parts:
    return {name: data for name, data in parts().items() if name != part}


def setting(place: tuple[int, int], value: int) -> Callable[[np.ndarray], object]:
    return lambda table: table.__setitem__(place, value)


ZARR: dict[str, Callable[[], Parts]] = {
    "chunk outside": lambda: with_table(setting((1, 0), 10**15)),
    "chunk at the end of numbers": lambda: with_table(setting((0, 0), 2**64 - 8)),
    "chunks overlapping": lambda: with_table(setting((1, 0), CHUNK - 1)),
    "a chunk twice": lambda: with_table(setting((1, 0), 0)),
    "chunk over the table": lambda: with_table(setting((1, 0), CHUNK + 8)),
    "chunk of another length": lambda: with_table(setting((1, 1), 8)),
    "chunk of 2^63 bytes": lambda: with_table(setting((1, 1), 2**63)),
    "chunk missing": lambda: with_table(lambda table: table[1].fill(2**64 - 1)),
    "all chunks missing": lambda: with_table(lambda table: table.fill(2**64 - 1)),
    "wrong sum of a chunk": lambda: with_row("x_0/c/0/0", 5, bytes(8), is_summed=False),
    "wrong sum of the table": lambda: parts() | {"x_0/c/0/0": parts()["x_0/c/0/0"][:-1] + b"?"},
    "values of a dropped sample": lambda: with_row("x_0/c/0/0", 3, b"secrets!"),
    "label of a dropped sample": lambda: with_row("label/c/0", 3, b"\1" + bytes(7)),
    "an index in another's row": lambda: with_row("index/c/0", 3, (4).to_bytes(8, "little")),
    "an index of another shard": lambda: with_row("index/c/0", 3, (515).to_bytes(8, "little")),
    "an index of -2": lambda: with_row("index/c/0", 3, b"\xfe" + b"\xff" * 7),
    "cut": lambda: parts() | {"x_0/c/0/0": parts()["x_0/c/0/0"][:-1]},
    "longer": lambda: parts() | {"x_0/c/0/0": parts()["x_0/c/0/0"] + b"\0"},
    "empty": lambda: parts() | {"x_0/c/0/0": b""},
    "all zeros": lambda: parts() | {"x_0/c/0/0": bytes(len(parts()["x_0/c/0/0"]))},
    "a field missing": lambda: without("label/c/0"),
    "a field more": lambda: parts() | {"x_T/c/0/0": b""},
    "files of another shard": lambda: {n.replace("/c/0", "/c/1"): d for n, d in parts().items()},
    "a name that leads out": lambda: without("x_0/c/0/0") | {"../x_0/c/0/0": b""},
}


def record(kind: str = "wds", **changes: Any) -> dict[str, Any]:
    """A sound record with some fields changed."""
    size = {"wds": SHARD_SIZE, "zarr": ROWS}[kind]
    rows = made_columns(SCHEMA, range(size))
    file = format_of(kind).encode(0, rows, SCHEMA, size).file
    sound = Record(
        shard=0,
        split="train",
        layout=f"{kind}-{size}",
        spec_digest="0" * 64,
        content_digest="1" * 64,
        file=file.name,
        file_digest=file.file_digest,
        num_bytes=file.num_bytes,
        parts=dict(file.parts),
        first_index=0,
        last_index=size - 1,
        attempted=size,
        kept=size,
        dropped={},
        environment={},
    )
    return {**sound.model_dump(), **changes}


def in_parts(name: str) -> dict[str, Any]:
    """A record that says a file lies elsewhere, with the digests that go with it."""
    named = {**record("zarr")["parts"], name: "2" * 64}
    del named["x_0/c/0/0"]
    return record("zarr", parts=named, file_digest=digest_of(named))


RECORDS: dict[str, Callable[[], dict[str, Any]]] = {
    **{
        f"file: {name[:30]}": lambda name=name: record(file=name)
        for name in (
            "../000000-73de198b8726.tar",
            "/etc/passwd",
            "http://169.254.169.254/latest",
            "s3://bucket/shard.tar",
            "pipe:touch canary",
            "file:///etc/passwd",
            "C:\\windows",
            "000000-\0.tar",
            "",
            "a" * 10**6,
        )
    },
    **{
        f"parts: {name}": lambda name=name: in_parts(name)
        for name in ("../../x_0/c/0/0", "/x_0/c/0/0", "s3://bucket/x_0", "x_0/c/0/0/0", "zarr.json")
    },
    "parts of a tar": lambda: record(parts={"../a": "2" * 64}),
    "parts with a wrong total": lambda: record("zarr", file_digest="3" * 64),
    "a digest that is a path": lambda: record(content_digest="../" + "0" * 61),
    "a digest in capitals": lambda: record(file_digest="A" * 64),
    "10^18 bytes": lambda: record(num_bytes=10**18),
    "bytes below zero": lambda: record(num_bytes=-1),
    "bytes that are text": lambda: record(num_bytes="10240"),
    "bytes that are a truth": lambda: record(num_bytes=True),
    "10^18 attempted": lambda: record(attempted=10**18, last_index=10**18 - 1, kept=10**18),
    "counts that lie": lambda: record(kept=3),
    "attempted that lies": lambda: record(attempted=5, kept=5),
    "no indices": lambda: record(last_index=-1, attempted=0, kept=0),
    "indices of another shard": lambda: record(first_index=4, last_index=7),
    "dropped outside": lambda: record(dropped={"nan": [9]}, kept=3),
    "dropped below zero": lambda: record(dropped={"nan": [-1]}, kept=3),
    "dropped twice": lambda: record(dropped={"nan": [1, 1]}, kept=2),
    "dropped for two reasons": lambda: record(dropped={"nan": [1], "inf": [1]}, kept=2),
    "dropped out of order": lambda: record(dropped={"nan": [2, 1]}, kept=2),
    "shard below zero": lambda: record(shard=-1, first_index=-4, last_index=-1),
    "shard 10^30": lambda: record(shard=10**30, first_index=4 * 10**30, last_index=4 * 10**30 + 3),
    "another shard": lambda: record(shard=1, first_index=4, last_index=7),
    "a layout of 10^6 digits": lambda: record(layout="wds-" + "1" * 10**6),
    "a layout that is a path": lambda: record(layout="../wds-4"),
    "an unknown key": lambda: {**record(), "<script>" * 10**5: 1},
    "an unknown version": lambda: record(version=2),
    "a version that is text": lambda: record(version="1" * 10**6),
    "no version": lambda: {key: value for key, value in record().items() if key != "version"},
    "a field missing": lambda: {key: value for key, value in record().items() if key != "kept"},
    "dropped that is a number": lambda: record(dropped=10**9),
}

# Bytes in place of a record.
RECORD_BYTES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "10^6 brackets": lambda: b"[" * 10**6,
    "10^6 objects": lambda: b'{"a":' * 10**6,
    "as many empty lists as are read": lambda: b"[" + b"[]," * (MAX_RECORD_BYTES // 3 - 2) + b"[]]",
    "a list in a key": lambda: b'{"digest": {"digest": [' + b"{}," * 10**6 + b"{}]}}",
    "HTML": lambda: b"<html><script>alert(1)</script></html>",
    "a pickle": lambda: pickle.dumps(Canary()),
    "byte order mark": lambda: b"\xef\xbb\xbf" + seal(record()),
}


def manifest(num_shards: int = 3, **changes: Any) -> dict[str, Any]:
    sound = Manifest.over(
        [f"{shard:064x}" for shard in range(num_shards)],
        split="train",
        layout="wds-4",
        spec_digest="0" * 64,
        attempted=4 * num_shards,
        kept=4 * num_shards,
    )
    return {**sound.model_dump(), **changes}


VAST = MAX_MANIFEST_BYTES - 1000
DIGESTS = ["0" * 64] * 3
# By what is wrong: bytes of the document, and the number in its name.
MANIFESTS: dict[str, tuple[Callable[[], bytes], int]] = {
    "10^9 shards by name": (lambda: seal(manifest()), 10**9),
    "10^9 shards by count": (lambda: seal(manifest(attempted=4 * 10**9, kept=4 * 10**9)), 3),
    "fewer than its name": (lambda: seal(manifest()), 4),
    "10^6 brackets": (lambda: b"[" * 10**6, 3),
    "10^6 objects": (lambda: b'{"a":' * 10**6, 3),
    "10^6 brackets inside": (lambda: b'{"digest":' + b"[" * 10**6 + b"]" * 10**6 + b"}", 3),
    "30 MB of empty lists": (lambda: b"[" + b"[]," * 10**7 + b"[]]", 3),
    "NaN": (lambda: seal(manifest()).replace(b'"kept": 12', b'"kept": NaN'), 3),
    "1e999": (lambda: seal(manifest()).replace(b'"kept": 12', b'"kept": 1e999'), 3),
    "half a character": (lambda: seal(manifest()).replace(b"train", b"\\ud800"), 3),
    "a number of 10^6 digits": (lambda: b'{"digest": ' + b"1" * 10**6 + b"}", 3),
    "a key twice": (lambda: seal(manifest()).replace(b'"kept": 12', b'"kept": 1, "kept": 12'), 3),
    "an unknown version": (lambda: seal(manifest(version=7)), 3),
    "kept beyond attempted": (lambda: seal(manifest(kept=13)), 3),
    "kept below zero": (lambda: seal(manifest(kept=-1)), 3),
    "digests cut": (lambda: seal(manifest(contents=manifest()["contents"][:-4])), 3),
    "digests with blanks": (lambda: seal(manifest(contents=" " + manifest()["contents"])), 3),
    "digests with other last bits": (
        lambda: seal(manifest(attempted=4, kept=4, contents="A" * 42 + "B=")),
        1,
    ),
    "both forms": (lambda: seal(manifest(content_digests=DIGESTS)), 3),
    "a list of numbers": (lambda: seal(listed([1, 2, 3])), 3),
    "a list of capitals": (lambda: seal(listed(["A" * 64] * 3)), 3),
    "a list of paths": (lambda: seal(listed(["../" + "0" * 61] * 3)), 3),
    "a list of 64 each with a blank": (lambda: seal(listed(["0" * 63 + " "] * 3)), 3),
    "another digest": (lambda: seal(manifest()).replace(b'"kept": 12', b'"kept": 11'), 3),
    "one vast text": (lambda: b'{"digest": "' + b"a" * VAST + b'"}', VAST // 43),
    "vast zeros": (lambda: bytes(VAST), VAST // 43),
    "as many texts as shards": (lambda: b'["' + b'a","' * (VAST // 43) + b'"]', VAST // 43),
    "digests of a vast text": (
        lambda: seal(manifest(contents="?" * VAST)),
        VAST // 43,
    ),
    "no object": (lambda: b"[]", 3),
    "zeros": (lambda: bytes(10**6), 3),
    "UTF-16": (lambda: seal(manifest()).decode().encode("utf-16"), 3),
}


def listed(digests: list[Any]) -> dict[str, Any]:
    compact = manifest()
    del compact["contents"]
    return {**compact, "content_digests": digests}


SCHEMAS: dict[str, Mapping[str, Any]] = {
    "a side of 10^9": {"shape": [10**9]},
    "eight sides of 10^9": {"shape": [10**9] * 8},
    "10^6 sides": {"shape": [1] * 10**6},
    "a side below zero": {"shape": [3, -32, 32]},
    "two sides below zero": {"shape": [-3, -32]},
    "no side": {"shape": []},
    "a side of nothing": {"shape": [3, 0]},
    "a side of 10^4000": {"shape": [10**4000]},
    "a side that is text": {"shape": ["__import__('os')"]},
    "objects": {"shape": [2], "x_0_dtype": "object"},
    "10^9 states": {"shape": [2], "num_states": 10**9},
    "an unknown key": {"shape": [2], "a" * 10**6: 1},
    "a scale of infinity": {"shape": [2], "noise": {"scale": 1e999}},
    "no shape": {},
}
