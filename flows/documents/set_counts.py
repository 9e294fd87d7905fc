"""Counts of a set for its card: by split and layout, and by filter."""

from flows.documents.counts import split_counts
from flows.documents.mask_counts import filter_counts
from kdm.report.content import FilterCounts
from kdm.report.pairs_card import SplitEntry
from storage.digest import digest_of
from storage.mask_documents import decisions_of
from storage.masks import judged
from storage.store import PairStore


def split_entry(store: PairStore) -> SplitEntry:
    """A split in one layout: counts, shards, bytes and the digest of its contents."""
    manifest = store.ledger.largest()
    return SplitEntry(
        counts=split_counts(store),
        layout=store.layout,
        num_shards=len(store.ledger.recorded()),
        num_bytes=sum(record.num_bytes for record in store.records(store.ledger.recorded())),
        contents=digest_of(manifest.content_digests),
    )


def filters_of(stores: list[PairStore]) -> tuple[FilterCounts, ...]:
    """The counts of every decision, once for layouts that agree."""
    found: list[FilterCounts] = []
    for store in stores:
        contents = store.ledger.largest().content_digests
        masks = store.base / "masks"
        for mask in decisions_of(masks):
            there = judged(masks, mask)
            decided = [content for content in contents if content in there]
            counts = filter_counts(store, mask, decided) if decided else None
            if counts is not None and counts not in found:
                found.append(counts)
    return tuple(found)
