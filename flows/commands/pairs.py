"""`kdm pairs`: verify a set, show what it is, import a published one."""

from pathlib import Path

import typer
import yaml

from flows.commands.find import found
from flows.recipe import ImportedPairs, load_recipe
from flows.request import home_folder
from storage.fs import Folder
from storage.importers.checkerboard import import_checkerboard
from storage.store import PairStore, read_spec, splits_of


def verify(name: str, home: str) -> None:
    """Check every byte against records and manifests; exit code 1 where something is wrong."""
    folder = found(home, "pairs", name)
    wrong = []
    for store in _stores(folder):
        faults = store.damage()
        wrong += faults
        typer.echo(f"{store.split}/{store.layout}: {_judgement(store, faults)}")
    for sentence in wrong:
        typer.echo(sentence, err=True)
    if wrong:
        raise typer.Exit(1)


def show(name: str, home: str) -> None:
    """Print the spec and what is in each split."""
    folder = found(home, "pairs", name)
    splits = {
        f"{store.split}/{store.layout}": {
            "shards": len(store.records_folder.names()),
            "manifests": [int(each.removesuffix(".json")) for each in store.manifests.names()],
            "masks": (store.base / "masks").names(),
        }
        for store in _stores(folder)
    }
    document = {"folder": folder.url, "spec": read_spec(folder), "splits": splits}
    typer.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip())


def import_pairs(source: str, home: str, *, name: str, train: str, heldout: str) -> None:
    """Store the ends of published trajectories; the data themselves tell which end is noise.

    What is left empty is as in the recipe `checkerboard-import`, which then finds the set.
    """
    pairs = load_recipe("checkerboard-import").pairs
    assert isinstance(pairs, ImportedPairs)  # that is what the recipe is
    rows = {
        "train": _range("train", train) if train else pairs.train_rows,
        "heldout": _range("heldout", heldout) if heldout else pairs.heldout_rows,
    }
    made = import_checkerboard(
        Path(source).expanduser().absolute(),
        home_folder(home) / "pairs",
        name=name or pairs.name,
        rows=rows,
        layout=pairs.layout,
    )
    counts = ", ".join(f"{end - first:,} {split}" for split, (first, end) in rows.items())
    typer.echo(f"{made.folder.url}: {counts}")


def _stores(folder: Folder) -> list[PairStore]:
    if not folder.exists("spec.json"):
        raise ValueError(f"{folder.url} holds no set of pairs (no spec.json); see 'kdm ls'")
    places = [place.split("/") for place in splits_of(folder)]
    return [PairStore.open(folder, split=split, layout=layout) for split, layout in places]


def _judgement(store: PairStore, faults: list[str]) -> str:
    num_shards = len(store.records_folder.names())
    return (
        f"{len(faults)} of {num_shards} shards damaged" if faults else f"{num_shards} shards sound"
    )


def _range(split: str, text: str) -> tuple[int, int]:
    first, colon, end = text.partition(":")
    if not (colon and first.isdigit() and end.isdigit()):
        raise ValueError(f"--{split} {text}: write rows as FIRST:END, for instance 0:45000")
    return int(first), int(end)
