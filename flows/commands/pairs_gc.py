"""`kdm pairs gc`: removes files that killed writers left behind."""

import typer

from flows.commands.pairs_waste import SetsWaste, waste_in
from flows.commands.set_stores import fail_with
from flows.commands.stored_set import require_set
from flows.home import found, home_folder, things
from flows.table import aligned, num_bytes


def clear(
    name: str, home: str, *, older_than: float, is_confirmed: bool, is_dry: bool = False
) -> None:
    """List leftover files of one set or of all, ask, and remove them; only list them if `is_dry`."""
    place = home_folder(home)
    names = [name] if name else things(place, "pairs")
    sets = [found(home, "pairs", each) for each in names]
    if name:
        require_set(sets[0])
    waste = waste_in(sets, older_than=older_than)
    _tell(waste)
    if waste.num_files and is_dry:
        typer.echo("nothing was removed")
    elif waste.num_files:
        if not is_confirmed:
            typer.confirm(f"Remove them ({num_bytes(waste.num_bytes)})?", abort=True)
        waste.remove()
        typer.echo(f"freed {waste.num_bytes:,} bytes")
    fail_with(waste.unsure)


def _tell(waste: SetsWaste) -> None:
    rows = [
        [f"{folder.name}/{file.file}", num_bytes(file.num_bytes), file.why]
        for folder, files in waste.files.items()
        for file in files
    ]
    rows += [
        [each.key, "?", "an upload never ended"] for many in waste.uploads.values() for each in many
    ]
    typer.echo(aligned([["file", "size", "why"], *rows]) if rows else "nothing to remove")
