"""Every split of a set in every layout, for commands that look after all of it; and how they fail."""

import typer

from flows.commands.stored_set import require_set
from flows.home import found
from storage.care.verify import spec_faults
from storage.folders import Folder
from storage.set_folder import places
from storage.spec_file import read_spec
from storage.store import PairStore


def stores_of(folder: Folder) -> list[PairStore]:
    """Every split in every layout, including unfinished ones."""
    spec = read_spec(folder)
    return [PairStore(folder, split, layout, spec) for split, layout in places(folder)]


def sound_set(name: str, home: str) -> tuple[Folder, list[PairStore]]:
    """The folder of a set and its stores; exit code 1 if the spec is damaged.

    An `UnfinishedPurgeError` names the command that finishes a purge of the set.
    """
    folder = found(home, "pairs", name)
    if folder.exists("spec.json") or not places(folder):
        require_set(folder)
    fail_with([f"{fault.kind}: {fault.sentence}" for fault in spec_faults(folder)])
    stores = stores_of(folder)
    for store in stores[:1]:
        store.purges.require_finished()
    return folder, stores


def fail_with(sentences: list[str]) -> None:
    """Print the sentences; exit code 1 if there are any."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
    if sentences:
        raise typer.Exit(1)
