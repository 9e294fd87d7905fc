"""What `kdm prune` may remove, and how: on a disk a thing first gets the name of a temporary file, at once.

A kill on the way leaves a folder that nothing lists and the next `kdm prune` removes. In a bucket the file
that says that a thing is whole goes first, so that what is left looks like work that was begun.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from flows.claim_file import Claim, ClaimFile, has_died, is_claim, process_number
from flows.generation.shard_claims import holders
from flows.progress import unsaid
from flows.stages.claim import FILE, claimed
from storage.folders import Folder
from storage.folders.temporary import is_abandoned, temporary_name
from storage.set_folder import places
from storage.spec_file import read_spec
from storage.store import PairStore

_RECORDS = ("config.json", "about.json")  # written last, of trainings and of statistics


class Prunable(NamedTuple):
    """One thing that may go, and what it takes to have it again."""

    place: str  # below the home
    num_bytes: int
    why: str
    again: str  # '' if nobody will ever read it
    remove: Callable[[], None]


class Found(NamedTuple):
    """What may go, and sentences, by place, about what stays although nothing current points to it."""

    things: list[Prunable]
    kept: dict[str, str]


def user_of(folder: Folder) -> str:
    """'process 7 on alpha is at it'; '' if nobody who may live has claimed the folder, or shards in it."""
    claims = [ClaimFile(folder, FILE).holder(), *_claims_on_shards(folder)]
    for holder in claims:
        # Whether a process of another machine lives can't be seen at once, so that it counts.
        if holder is not None and is_claim(holder) and not has_died(holder):
            return f"process {process_number(holder)} on {holder.get('machine')} is at it"
    return ""


def remove_thing(home: Folder, place: str) -> None:
    """Remove KIND/NAME; a `HeldError` if another process claims it meanwhile."""
    folder, kind = home / place, place.partition("/")[0]
    aside = f"{kind}/{temporary_name()}"
    with claimed(folder, f"removing {place}", is_there=_is_not, say=unsaid, waits=False):
        if home.is_local:
            os.replace(home.local_path(place), home.local_path(aside))
        else:
            for name in sorted(folder.files(), key=_turn):
                folder.remove(name)
    home.remove(aside if home.is_local else place)


def set_aside(home: Folder, kind: str) -> list[str]:
    """Folders that a killed `remove_thing` left, by their places below the home."""
    if not home.is_local or not home.local_path(kind).is_dir():
        return []
    names = filter(is_abandoned, os.listdir(home.local_path(kind)))
    return [f"{kind}/{name}" for name in names if home.local_path(f"{kind}/{name}").is_dir()]


def _is_not() -> bool:
    return False


def remove_checkpoints(folder: Folder) -> None:
    """Remove `checkpoints/` of a training; tensors without their record are nobody's."""
    for name in sorted((folder / "checkpoints").files(), key=_turn):
        folder.remove(f"checkpoints/{name}")
    folder.remove("checkpoints")


def _turn(name: str) -> tuple[int, str]:
    """What says that a thing is whole first, a set's spec last."""
    if name in _RECORDS or "/manifests/" in name:
        return 0, name
    if name == "spec.json":
        return 3, name
    return (1 if name.endswith(".json") else 2), name


def _claims_on_shards(folder: Folder) -> list[Claim]:
    if not folder.exists("spec.json"):
        return []
    spec = read_spec(folder)
    stores = [PairStore(folder, split, layout, spec) for split, layout in places(folder)]
    return [holder for store in stores for holder in holders(store).values()]
