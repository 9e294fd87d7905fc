"""What 10^9 pairs of 3×32×32 ask of records, manifests and requests: a set without its samples.

All records and (empty) shards lie on a disk, and every call that a bucket would get is counted.
Prices are those of S3 Standard in us-east-1 as published in 2025; what a request takes is assumed.
"""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.measured import Measured, measured, python
from storage.folders import FileInfo, folder_at
from storage.folders.local_folder import LocalFolder
from storage.formats.layout import parse_layout
from storage.manifest import Manifest
from storage.reading.order import Order
from storage.records import LabelRule, PairSchema
from storage.shard_record import Record, record_name, sealed
from storage.store import PairStore

COUNT = 10**9
SHARD_SIZES = (4096, 16_384, 65_536)
SIMULATED = (4096, 16_384)
NUM_WINDOWS = 100
SCHEMA = PairSchema(
    shape=(3, 32, 32),
    x_0_dtype="uint8",
    rounding="half-even",
    label=LabelRule(num_classes=10),
)
SPEC = {"version": 1, "pairs": SCHEMA.model_dump(mode="json")}
ENVIRONMENT = {"device": "cuda", "device_model": "NVIDIA A100-SXM4-80GB", "torch": "2.10.0"}

DOLLARS = {"PUT": 5e-6, "LIST": 5e-6, "GET": 4e-7, "HEAD": 4e-7}  # a request
DOLLARS_A_GB_MONTH = 0.023
# What one shard takes (tests/storage/test_requests.py counts it).
REQUESTS_A_SHARD = {"PUT": 2, "GET": 2, "HEAD": 1, "LIST": 1}
KEYS_A_LISTING = 1000
SECONDS_A_REQUEST, AT_ONCE = 0.03, 16  # as storage.folders.remote_folder asks for many files

REQUESTS: Counter[str] = Counter()


class Counted(LocalFolder):
    """A folder on a disk that counts what a bucket would be asked."""

    def __truediv__(self, name: str) -> "Counted":
        return Counted(self.local_path(name))

    def names(self) -> list[str]:
        return self._listed(super().names())

    def files(self) -> dict[str, FileInfo]:
        found = super().files()
        self._listed(list(found))
        return found

    def exists(self, name: str = "") -> bool:
        REQUESTS["HEAD"] += 1
        return super().exists(name)

    def read(self, name: str, *, at_most: int | None = None) -> bytes:
        REQUESTS["GET"] += 1
        return super().read(name, at_most=at_most)

    def create(self, name: str, data: bytes) -> bool:
        REQUESTS.update(("PUT", "GET"))
        return super().create(name, data)

    def _listed(self, found: list[str]) -> list[str]:
        REQUESTS["LIST"] += max(1, -(-len(found) // KEYS_A_LISTING))
        return found


def table() -> Iterator[str]:
    yield "| shard size | shards | objects | a shard, MB | all, TB | manifest, MB | writing, $ | $ a month |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    yield from map(_at_rest, SHARD_SIZES)
    yield ""
    yield "| shard size | shards a window opens | a window, GB | an epoch fetches | GETs of an epoch, $ |"
    yield "|---:|---:|---:|---:|---:|"
    yield from map(_read_in_order, SHARD_SIZES)
    yield ""
    yield "| shard size | what is asked | LIST | GET | PUT | $ | disk, s | bucket, s | memory, GiB |"
    yield "|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    for shard_size in SIMULATED:
        with tempfile.TemporaryDirectory() as folder:
            _fill(folder, shard_size)
            for name in ASKED:
                step = measured(name, python("billion.ask", name, folder, str(shard_size)))
                yield _row(shard_size, step)


def _at_rest(shard_size: int) -> str:
    num_shards = -(-COUNT // shard_size)
    num_bytes = parse_layout(f"wds-{shard_size}").format.max_bytes(SCHEMA, shard_size)
    asked = num_shards * sum(DOLLARS[kind] * num for kind, num in REQUESTS_A_SHARD.items())
    month = num_shards * num_bytes / 1e9 * DOLLARS_A_GB_MONTH
    return (
        f"| {shard_size:,} | {num_shards:,} | {2 * num_shards + 2:,} | {num_bytes / 1e6:.1f} "
        f"| {num_shards * num_bytes / 1e12:.2f} | {_manifest_bytes(num_shards, shard_size) / 1e6:.1f} "
        f"| {asked:.2f} | {month:.0f} |"
    )


def _read_in_order(shard_size: int) -> str:
    """Windows of a shuffled epoch, from a bucket by way of a cache that holds two of them."""
    windows = list(islice(Order(seed=0, count=COUNT).windows(0), NUM_WINDOWS))
    opened = sum(len(np.unique(window // shard_size)) for window in windows)
    num_bytes = parse_layout(f"wds-{shard_size}").format.max_bytes(SCHEMA, shard_size)
    times = opened * shard_size / sum(map(len, windows))
    each = opened / NUM_WINDOWS
    # A shard and its record.
    dollars = 2 * DOLLARS["GET"] * each * COUNT / (sum(map(len, windows)) / NUM_WINDOWS)
    return (
        f"| {shard_size:,} | {each:.1f} | {each * num_bytes / 1e9:.2f} | {times:.1f} × the set "
        f"| {dollars:.2f} |"
    )


def _manifest_bytes(num_shards: int, shard_size: int) -> int:
    asked = num_shards * shard_size
    manifest = Manifest.over(
        ["0" * 64] * num_shards,
        split="train",
        layout=f"wds-{shard_size}",
        spec_digest="0" * 64,
        attempted=asked,
        kept=asked,
    )
    return len(sealed(manifest))


def _fill(folder: str, shard_size: int) -> None:
    """Every record of the set but a last one, which is to be added, and an empty file a shard."""
    store = PairStore.create(
        folder_at(f"{folder}/set"), SPEC, split="train", layout=f"wds-{shard_size}"
    )
    records, shards = (place.local_path() for place in (store.records_folder, store.shards))
    records.mkdir(parents=True)
    shards.mkdir(parents=True)
    for shard in range(store.num_shards(COUNT) + 1):
        record = _record(store, shard)
        (records / record_name(shard)).write_bytes(sealed(record, attempt="0" * 32))
        (shards / record.file).touch()


def _record(store: PairStore, shard: int) -> Record:
    digest = hashlib.sha256(shard.to_bytes(8, "little")).hexdigest()
    first = shard * store.shard_size
    return Record(
        shard=shard,
        split=store.split,
        layout=store.layout,
        spec_digest=store.spec_digest,
        content_digest=digest,
        file=f"{shard:06d}-{digest[:12]}.tar",
        file_digest=digest,
        num_bytes=12_675_072,
        first_index=first,
        last_index=first + store.shard_size - 1,
        attempted=store.shard_size,
        kept=store.shard_size,
        dropped={},
        environment=ENVIRONMENT,
    )


def ask(name: str, folder: str, shard_size: str) -> None:
    """One question to the set, and what it took, as JSON."""
    store = PairStore.open(Counted.at(f"{folder}/set"), split="train", layout=f"wds-{shard_size}")
    assert not ASKED[name](store), name
    # Not as the kernel tells the parent: there a child's peak begins with its parent's.
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    print(json.dumps({"asked": REQUESTS, "peak_gib": int(peak.split()[1]) / 2**20}))


def _open(store: PairStore) -> bool:
    manifest = store.manifest(COUNT)
    return not manifest.content_digest(manifest.num_shards - 1)


ASKED: dict[str, Callable[[PairStore], object]] = {
    "what is missing": lambda store: store.missing(COUNT),
    "commit all": lambda store: store.commit(COUNT).num_shards != store.num_shards(COUNT),
    "open": _open,
    "commit one more": lambda store: store.commit(COUNT + store.shard_size).kept < COUNT,
}


def _row(shard_size: int, step: Measured) -> str:
    said = json.loads(step.said)
    asked = Counter(said["asked"])
    dollars = sum(DOLLARS[kind] * num for kind, num in asked.items())
    # Pages of a listing come one after the other, files together.
    seconds = SECONDS_A_REQUEST * (asked["LIST"] + asked["PUT"] + asked["GET"] / AT_ONCE)
    return (
        f"| {shard_size:,} | {step.step} | {asked['LIST']:,} | {asked['GET']:,} | {asked['PUT']:,} "
        f"| {dollars:.4f} | {step.wall:.1f} | {seconds:.0f} | {said['peak_gib']:.2f} |"
    )
