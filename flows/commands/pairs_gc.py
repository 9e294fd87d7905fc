"""`kdm pairs gc`: removes files that killed writers left behind."""

from collections.abc import Iterator

import typer

from flows.commands.set_stores import fail_with, stores_of
from flows.commands.stored_set import require_set
from flows.home import found, home_folder, things
from flows.table import aligned, num_bytes
from storage.care.garbage import Waste, temporary_files, waste_of
from storage.care.verify import spec_faults
from storage.errors import DamageError, UnfinishedPurgeError
from storage.folders import Folder
from storage.folders.uploads import Upload, abort, unfinished_uploads


def clear(name: str, home: str, *, older_than: float, is_confirmed: bool) -> None:
    """List leftover files of one set or of all, ask, and remove them."""
    place = home_folder(home)
    names = [name] if name else things(place, "pairs")
    sets = [found(home, "pairs", each) for each in names]
    if name:
        require_set(sets[0])
    # Nothing in a folder is looked at, let alone removed, before its spec shows that it's a set.
    unsure = [fault.sentence for each in sets for fault in spec_faults(each)]
    sets = [each for each in sets if not spec_faults(each)]
    waste = {each: list(_waste(each, older_than, unsure)) for each in sets}
    uploads = {each: unfinished_uploads(each, older_than=older_than) for each in sets}
    _tell(waste, uploads)
    if any(waste.values()) or any(uploads.values()):
        freed = sum(file.num_bytes for files in waste.values() for file in files)
        if not is_confirmed:
            typer.confirm(f"Remove them ({num_bytes(freed)})?", abort=True)
        _remove(waste, uploads)
        typer.echo(f"freed {freed:,} bytes")
    fail_with(unsure)


def _waste(folder: Folder, older_than: float, unsure: list[str]) -> Iterator[Waste]:
    yield from temporary_files(folder, older_than=older_than)
    for store in stores_of(folder):
        try:
            store.purges.require_finished()
            yield from waste_of(store, older_than=older_than)
        except (DamageError, UnfinishedPurgeError) as error:
            unsure.append(str(error))


def _tell(waste: dict[Folder, list[Waste]], uploads: dict[Folder, list[Upload]]) -> None:
    rows = [
        [f"{folder.name}/{file.file}", num_bytes(file.num_bytes), file.why]
        for folder, files in waste.items()
        for file in files
    ]
    rows += [[each.key, "?", "an upload never ended"] for many in uploads.values() for each in many]
    typer.echo(aligned([["file", "size", "why"], *rows]) if rows else "nothing to remove")


def _remove(waste: dict[Folder, list[Waste]], uploads: dict[Folder, list[Upload]]) -> None:
    for folder, files in waste.items():
        for file in files:
            folder.remove(file.file)
    for folder, begun in uploads.items():
        for upload in begun:
            abort(folder, upload)
