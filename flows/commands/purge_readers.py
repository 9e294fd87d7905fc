"""Which students of a home have read pairs that a purge removes, or has removed.

A student's sealed source says which contents it read, how many indices, and by which decisions. It read a
purged pair if its contents are those of before the purge, the pair's index is among its indices, and none
of its decisions drops that pair. One that applied the purging decision never read any.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flows.commands.sealed_sources import sealed_sources
from flows.home import things
from storage.care.purge_plan import Plan
from storage.errors import StoreError
from storage.folders import Folder
from storage.ledger import Ledger
from storage.purges import Row
from storage.store import PairStore


class Removed(NamedTuple):
    """Pairs of one split that are removed, and what its contents were while they were there."""

    split: str
    decision: str  # that removes them
    rows: Sequence[Row]
    before: Sequence[tuple[Ledger, int]]  # with the number of indices in a shard


class Reader(NamedTuple):
    """A student, and how many of the removed pairs it has read."""

    name: str
    num_rows: int


class Readers(NamedTuple):
    """The students that have read removed pairs, and sentences about files that can't be read."""

    found: list[Reader]
    faults: list[str]


def removed_by(stores: Sequence[PairStore], plan: Plan) -> list[Removed]:
    """What a purge will remove that hasn't begun."""
    decision = plan.mask.decision
    return [
        Removed(split, decision, rows, [*_now(stores, split), *_former(stores, split)])
        for split, rows in plan.rows.items()
    ]


def removed_before(stores: Sequence[PairStore]) -> list[Removed]:
    """What all purges of a set have removed, or are about to."""
    if not stores:
        return []
    purges = stores[0].purges
    return [
        Removed(split, str(block["decision"]), block["rows"], _former(stores, split, number))
        for number in purges.numbers
        for split in sorted({store.split for store in stores})
        for block in (purges.block(number, split, n) for n in purges.block_numbers(number, split))
    ]


def readers_of(home: Folder, removed: Iterable[Removed]) -> Readers:
    """The students of a home that have read any of these pairs."""
    every = list(removed)
    readers = Readers([], [])
    for name in things(home, "students") if every else []:
        try:
            sources = list(sealed_sources(home / "students" / name))
        except StoreError as error:
            readers.faults.append(str(error))
            continue
        num_rows = max((sum(_num_read(each, of) for of in every) for each in sources), default=0)
        if num_rows:
            readers.found.append(Reader(name, num_rows))
    return readers


def _num_read(source: Mapping[str, Any], removed: Removed) -> int:
    """How many of the removed pairs a training with this source has read."""
    content, count = source.get("content"), source.get("count")
    if source.get("split") != removed.split or not isinstance(count, int) or count < 1:
        return 0
    if content is None or not any(
        content == ledger.contents(-(-count // shard_size)) for ledger, shard_size in removed.before
    ):
        return 0
    masks = {mask["decision"] for mask in source.get("masks", ())}
    return sum(
        row["index"] < count and masks.isdisjoint({removed.decision, *row["also"]})
        for row in removed.rows
    )


def _now(stores: Sequence[PairStore], split: str) -> Iterator[tuple[Ledger, int]]:
    return ((each.ledger, each.shard_size) for each in stores if each.split == split)


def _former(
    stores: Sequence[PairStore], split: str, until: int | None = None
) -> list[tuple[Ledger, int]]:
    """The contents that each layout of a split had before each purge up to a number."""
    return [
        (store.purges.former(number, store.split, store.layout), store.shard_size)
        for store in stores
        if store.split == split
        for number in store.purges.numbers
        if until is None or number <= until
    ]
