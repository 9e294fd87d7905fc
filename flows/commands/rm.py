"""`kdm rm`: removes one thing from a home, unless others depend on it."""

import typer

from flows.commands.resting import Resting, resting_on
from flows.home import home_folder, listed
from flows.table import num_bytes


def rm(name: str, home: str, *, is_confirmed: bool, is_forced: bool, is_dry: bool = False) -> None:
    """Remove `name` (NAME, NAME-DIGEST or KIND/NAME); a ValueError lists what depends on it.

    If `is_dry`, only print what would go.
    """
    place = home_folder(home)
    kind, thing = listed(place, name)
    if not is_forced:
        _require_free(f"{kind}/{thing}", resting_on(place, kind, thing))
    folder = place / kind / thing
    size = num_bytes(folder.num_bytes())
    if is_dry:
        typer.echo(f"{folder.url} ({size}) would go; nothing was removed")
        return
    if not is_confirmed:
        typer.confirm(f"Remove {kind}/{thing} ({size})?", abort=True)
    place.remove(f"{kind}/{thing}")
    typer.echo(f"removed {folder.url}")


def _require_free(thing: str, resting: Resting) -> None:
    faults = "; ".join(resting.faults)
    if resting.things:
        raise ValueError(
            f"{', '.join(resting.things)} depend on {thing}; remove them first, or "
            "give --force: they are kept, but can't be made or checked again"
            + (f" ({faults})" if faults else "")
        )
    if faults:
        raise ValueError(
            f"it isn't clear what depends on {thing}, so it stays: {faults}; or give --force"
        )
