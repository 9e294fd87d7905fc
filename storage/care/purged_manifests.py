"""The manifests of a split that was purged: over the contents that there are now."""

from storage.digest import digest_of
from storage.ledger import Ledger
from storage.manifest import Manifest
from storage.shard_record import record_name
from storage.store import PairStore


def replace_manifests(store: PairStore, former: Ledger) -> None:
    """Every manifest over the contents that there are now; the old ones are kept beside their records."""
    records = list(store.records(store.ledger.recorded()))
    contents = [record.content_digest for record in records]
    for size in store.ledger.sizes():
        old = store.ledger.manifest(size)
        if list(old.content_digests) == contents[:size]:
            continue
        name = record_name(size)
        former.manifests.create(name, store.ledger.manifests.read(name))
        new = Manifest.over(
            contents[:size],
            split=old.split,
            layout=old.layout,
            spec_digest=old.spec_digest,
            attempted=old.attempted,
            kept=sum(record.kept for record in records[:size]),
            nfe=old.nfe,
            replaced=[*old.replaced, digest_of(old.content_digests)],
        )
        store.ledger.replace_manifest(new)
