"""What is in a split of a set: counts, bytes, manifests, decisions of filters, and environments."""

from collections.abc import Sequence
from typing import Any

from flows.documents.counts import split_counts
from flows.documents.mask_counts import num_masked
from storage.digest import digest_of, short
from storage.folders import Folder
from storage.mask_documents import decisions_of
from storage.masks import judged, read_decision_summary
from storage.store import PairStore


def split_document(folder: Folder, split: str, layout: str) -> dict[str, Any]:
    """What `kdm pairs show` says of a split in one layout."""
    store = PairStore.open(folder, split=split, layout=layout)
    counts = split_counts(store)
    shards, sizes = store.ledger.recorded(), store.ledger.sizes()
    num_bytes, environments = 0, []
    for record in store.records(shards):
        num_bytes += record.num_bytes
        if record.environment not in environments:
            environments.append(record.environment)
    manifest = store.ledger.largest() if sizes else None
    contents = manifest.content_digests if manifest else ()
    return {
        "shards": len(shards),
        "attempted": counts.attempted,
        "kept": counts.kept,
        "dropped": dict(counts.dropped),
        "purged": store.purges.words(split),
        "bytes": num_bytes,
        "bytes_a_pair": round(num_bytes / counts.kept, 1) if counts.kept else None,
        "nfe": manifest.nfe or None if manifest else None,
        "manifests": sizes,
        "content_digest": digest_of(contents) if sizes else None,
        "masks": _masks(store, contents),
        "environments": environments,
    }


def _masks(store: PairStore, contents: Sequence[str]) -> list[dict[str, Any]]:
    masks = store.base / "masks"
    said = []
    for mask in decisions_of(masks):
        summary = read_decision_summary(masks, mask)
        there = judged(masks, mask)
        said.append(
            {
                "filter": summary["filter"],
                "threshold": summary["threshold"],
                "fpr": summary["fpr"],
                "score": short(mask.score),
                "decision": short(mask.decision),
                "judged_shards": sum(content in there for content in contents),
                "masked": sum(
                    num_masked(store, [mask], record.content_digest, num_rows=record.kept)
                    for record in store.records(range(len(contents)))
                    if record.content_digest in there
                ),
            }
        )
    return said
