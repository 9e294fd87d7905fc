"""`kdm pairs convert`: writes the same pairs in another layout."""

import typer

from flows.commands.stored_set import layouts_by_split, require_set
from flows.documents.set_card import write_set_card
from flows.home import found
from flows.table import many, num_bytes
from flows.terminal import counting
from storage.care.convert import convert, shards_to_write
from storage.store import PairStore


def convert_set(name: str, home: str, *, to: str, source: str, is_dry: bool = False) -> None:
    """Write every split in the layout `to`, from the layout `source` or the most similar one.

    If `is_dry`, only print what would be written.
    """
    folder = found(home, "pairs", name)
    require_set(folder)
    for split, layouts in layouts_by_split(folder).items():
        chosen = _source(split, layouts, to=to, source=source)
        if chosen is None:
            typer.echo(f"{split}/{to}: already the only layout")
            continue
        store = PairStore.open(folder, split=split, layout=chosen)
        if is_dry:
            typer.echo(f"{split}/{to}: {_planned(store, to)} from {chosen}")
            continue
        with counting("convert", f"{split}/{to}", "shards") as report:
            made = convert(store, to, report=report)
        typer.echo(
            f"{split}/{to}: {len(made.ledger.recorded())} shards from {chosen}{_masks(made, store)}"
        )
    if is_dry:
        typer.echo("nothing was written")
    else:
        write_set_card(folder)


def _planned(store: PairStore, to: str) -> str:
    """'8 shards, about 41 kB': their values alone; heads and records come on top."""
    shards, shard_size = shards_to_write(store, to), int(to.rpartition("-")[2])
    size = num_bytes(len(shards) * shard_size * store.schema.num_bytes)
    return f"{many(len(shards), 'shard')}, about {size},"


def _source(split: str, layouts: list[str], *, to: str, source: str) -> str | None:
    """The layout to convert from: the one that was named, else one with the same shard size."""
    others = [layout for layout in layouts if layout != to]
    if source and source not in others:
        known = ", ".join(others) or "no other"
        raise ValueError(f"'{split}' doesn't exist in layout {source}; there is {known}")
    size = to.rpartition("-")[2]
    others.sort(key=lambda layout: (layout.rpartition("-")[2] != size, layout))
    return source or next(iter(others), None)


def _masks(made: PairStore, store: PairStore) -> str:
    if not (store.base / "masks").names():
        return ""
    if made.shard_size == store.shard_size:
        return ", with its masks"
    return "; its shards differ, so run filter-pairs for it"
