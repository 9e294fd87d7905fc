"""What damaged shards must hold again, as far as records and manifests still tell."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage.care.fault import Fault
from storage.manifest import Manifest
from storage.shard_record import Record, record_name
from storage.store import PairStore


class Wanted(NamedTuple):
    """What a shard must hold again."""

    shard: int
    content: str | None  # None if no readable record or manifest has it
    record: Record | None  # None if the record is damaged too


def wanted_shards(store: PairStore, faults: Sequence[Fault]) -> list[Wanted]:
    """The shards that these faults are about, each with what is still known of it."""
    manifests = list(_sound_manifests(store, faults))
    records = {fault.shard for fault in faults if "/records/" in fault.file}
    shards = {
        fault.shard
        for fault in faults
        if fault.shard is not None and _concerns_a_shard(fault, store)
    }
    return [_wanted(store, shard, manifests, shard not in records) for shard in sorted(shards)]


def _concerns_a_shard(fault: Fault, store: PairStore) -> bool:
    base = f"{store.split}/{store.layout}"
    if fault.file.startswith(f"{base}/records/"):
        return True
    is_broken = fault.kind in ("missing", "damaged", "swapped")
    return is_broken and fault.file.startswith(f"{base}/shards/")


def _wanted(
    store: PairStore, shard: int, manifests: Sequence[Manifest], is_record_sound: bool
) -> Wanted:
    record = store.record(shard) if is_record_sound else None
    if record is not None:
        return Wanted(shard, record.content_digest, record)
    frozen = [each.content_digest(shard) for each in manifests if shard < each.num_shards]
    return Wanted(shard, frozen[0] if frozen else None, None)


def _sound_manifests(store: PairStore, faults: Sequence[Fault]) -> Iterator[Manifest]:
    unsound = {fault.file for fault in faults}
    for size in store.ledger.sizes():
        if f"{store.split}/{store.layout}/manifests/{record_name(size)}" not in unsound:
            yield store.ledger.manifest(size)
