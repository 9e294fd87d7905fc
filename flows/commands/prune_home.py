"""`kdm prune`: says what a home could do without and what that frees, asks, and removes it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from flows.commands.left_over import left_over
from flows.commands.prunable import Found, Prunable
from flows.commands.unreferenced import unreferenced
from flows.home import home_folder
from flows.stages.claim import HeldError
from flows.table import aligned, num_bytes, say_document
from storage.care.garbage import GRACE_SECONDS

_HEAD = ["what", "size", "why", "to have it again"]


class Wanted(NamedTuple):
    """What to look for besides what nobody reads."""

    with_caches: bool
    unused_for: float | None  # seconds; None: things that nothing refers to stay


class Manner(NamedTuple):
    """How to go about it."""

    is_dry: bool
    is_confirmed: bool
    as_json: bool


def prune_home(home: str, wanted: Wanted, manner: Manner) -> None:
    """List what may go, ask unless told not to, remove it, and print the bytes that were freed."""
    place = home_folder(home)
    found = left_over(place, older_than=GRACE_SECONDS, with_caches=wanted.with_caches)
    if wanted.unused_for is not None:
        found = _joined(found, unreferenced(place, older_than=wanted.unused_for))
    if not manner.as_json:
        _tell(found)
    freed = 0
    if found.things and not manner.is_dry:
        if not manner.is_confirmed:
            size = num_bytes(sum(each.num_bytes for each in found.things))
            typer.confirm(f"Remove them ({size})?", abort=True, err=manner.as_json)
        freed = _remove(found)
    if manner.as_json:
        say_document(_document(place.url, found, freed))
    elif found.things:
        typer.echo("nothing was removed" if manner.is_dry else f"freed {freed:,} bytes")


def _joined(left: Found, unused: Found) -> Found:
    """Both; what lies in a thing that goes isn't counted twice."""
    going = {each.place for each in unused.things}
    inner = [each for each in left.things if not _is_in(each.place, going)]
    kept = {place: why for place, why in left.kept.items() if not _is_in(place, going)}
    return Found([*inner, *unused.things], {**kept, **unused.kept})


def _is_in(place: str, going: set[str]) -> bool:
    return place in going or place.rpartition("/")[0] in going


def _remove(found: Found) -> int:
    """Remove them one after the other; the bytes of those that nobody has claimed meanwhile."""
    freed = 0
    for each in found.things:
        try:
            each.remove()
        except HeldError as error:
            found.kept[each.place] = str(error)
        else:
            freed += each.num_bytes
    return freed


def _tell(found: Found) -> None:
    typer.echo(aligned([_HEAD, *_rows(found.things)]) if found.things else "nothing to remove")
    for place, why in found.kept.items():
        typer.echo(f"stays: {place}: {why}")


def _rows(things: Sequence[Prunable]) -> list[list[str]]:
    return [[each.place, num_bytes(each.num_bytes), each.why, each.again] for each in things]


def _document(home: str, found: Found, freed: int) -> dict[str, Any]:
    things = [
        {"place": each.place, "bytes": each.num_bytes, "why": each.why, "again": each.again or None}
        for each in found.things
    ]
    kept = [{"place": place, "why": why} for place, why in found.kept.items()]
    return {
        "home": home,
        "bytes": sum(each.num_bytes for each in found.things),
        "freed": freed,
        "things": things,
        "kept": kept,
    }
