"""Removes what a filter's decision dropped from a set for good.

    journal → rows → for each shard: former record → masks → new record → new files
            → manifests → removal of what was replaced → tombstone → journal gone

A shard is named by its content and never changes; so each shard with dropped rows is replaced by one
without them, under its own content digest. What is kept of the old one: its record and manifests (digests,
counts, indices), and index, score and reason of every removed pair. What goes: the shard's files, also
those that no record names, the scores, decisions and audits over the old content, the set's picture, and
copies in this machine's cache. Scores and decisions over the pairs that stay are carried to the
new content, so other decisions hold as before.

Each step leaves alone what is there already, and what it needs is removed only after all shards are
written. So a purge that was killed at any instant goes on from its journal, and ends with the same bytes.
While the journal is there nobody opens the set (`Purges.require_finished`).
"""

from collections.abc import Callable, Iterator, Sequence

from storage.care.carried_masks import remove_masks
from storage.care.purge_journal import write_rows
from storage.care.purged_manifests import replace_manifests
from storage.care.purged_shard import purge_shard
from storage.folders import Folder
from storage.ledger import Ledger
from storage.purges import JOURNAL, Purges, purge_name
from storage.reading.cache import ShardCache
from storage.store import PairStore

_PICTURE = (
    "pairs.png"  # it shows the first pairs; the command draws it again, with the card's counts
)
Report = Callable[[int, int], None]  # shards that are done, of all


def finish_purge(
    folder: Folder, stores: Sequence[PairStore], *, report: Report = lambda done, total: None
) -> None:
    """Do what the journal says and isn't done yet; the last step removes the journal."""
    purges = Purges(folder, stores[0].spec_digest)
    journal = purges.journal()
    number, shards = int(journal["number"]), journal["shards"]
    write_rows(purges, stores)
    affected = [store for store in _fresh(stores) if store.place in shards]
    done, total = 0, sum(map(len, shards.values()))
    for store in affected:
        former = store.purges.former(number, store.split, store.layout)
        for shard in shards[store.place]:
            report(done, total)
            purge_shard(store, former, number, shard)
            done += 1
        replace_manifests(store, former)
    for store in affected:
        former = store.purges.former(number, store.split, store.layout)
        _remove_replaced(store, former, set(shards[store.place]))
    folder.remove(_PICTURE)
    forget_purged(folder, stores)
    folder.sweep()
    report(total, total)
    purges.place.create(f"{purge_name(number)}/{JOURNAL}", purges.place.read(JOURNAL))
    purges.place.remove(JOURNAL)


def forget_purged(folder: Folder, stores: Sequence[PairStore]) -> None:
    """Remove files of purged shards from this machine's cache; each machine that read the set has one."""
    if not folder.is_local:
        ShardCache.default().forget(set(_former_files(stores)))


def _former_files(stores: Sequence[PairStore]) -> Iterator[str]:
    """The sha256 of every file that a purge has replaced."""
    for store in _fresh(stores):
        for number in store.purges.numbers:
            former = store.purges.former(number, store.split, store.layout)
            for record in former.records(former.recorded()):
                yield from record.parts.values() or (record.file_digest,)


def _fresh(stores: Sequence[PairStore]) -> list[PairStore]:
    """The same stores, which read anew what lies in their folders."""
    return [PairStore(each.folder, each.split, each.layout, each.spec) for each in stores]


def _remove_replaced(store: PairStore, former: Ledger, shards: set[int]) -> None:
    """Remove every file of these shards that their records don't name, and what filters said of them."""
    named = {name for record in store.records(sorted(shards)) for name in record.shard_file.names}
    shard_of = store.files.layout.format.shard_of
    for name in store.shards.files():
        if shard_of(name) in shards and name not in named:
            store.shards.remove(name)
    old = {record.content_digest for record in former.records(sorted(shards))}
    now = {record.content_digest for record in store.records(store.ledger.recorded())}
    remove_masks(store.base / "masks", old - now)
