"""What in a home nobody will read again: files of killed writers and pulls, checkpoints of ended trainings.

With caches: what metrics and studies keep for the next time, which is computed again where it is missing.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flows.commands.pairs_waste import waste_in
from flows.commands.prunable import Found, Prunable, remove_checkpoints, set_aside, user_of
from flows.home import ANALYSES, KINDS, things
from flows.stages.claim import HeldError
from flows.table import many
from kdm.hub.staging import give_up, stopped_pulls
from kdm.trained import read_config, read_weights
from storage.care.garbage import temporary_files
from storage.errors import StoreError
from storage.folders import Folder


def left_over(home: Folder, *, older_than: float, with_caches: bool) -> Found:
    """What may go; files of killed writers only if they are at least so old (seconds)."""
    found = Found([], {})
    for name in things(home, "pairs"):
        _take_waste(found, home, f"pairs/{name}", older_than)
    found.things.extend(_half_written(home, older_than))
    found.things.extend(_half_pulled(home, older_than))
    for kind in ("teachers", "students"):
        for name in things(home, kind):
            _take_checkpoints(found, home, f"{kind}/{name}")
    if with_caches:
        _take_caches(found, home)
    return found


def _take_waste(found: Found, home: Folder, place: str, older_than: float) -> None:
    try:
        if user := user_of(home / place):
            found.kept[place] = user
            return
        waste = waste_in([home / place], older_than=older_than)
    except StoreError as error:
        found.kept[place] = str(error)
        return
    if waste.unsure:
        found.kept[place] = "; ".join(waste.unsure)
    if waste.num_files:
        why = f"{many(waste.num_files, 'file')} left behind by killed writers"
        found.things.append(Prunable(place, waste.num_bytes, why, "", waste.remove))


def _half_written(home: Folder, older_than: float) -> Iterator[Prunable]:
    for kind in (*KINDS, ANALYSES):
        files = temporary_files(home / kind, older_than=older_than)
        if kind == "pairs":  # those of sets are among their waste
            files = [each for each in files if "/" not in each.file]
        folders = set_aside(home, kind)
        if files or folders:
            size = sum(file.num_bytes for file in files)
            size += sum((home / each).num_bytes() for each in folders)
            why = f"{many(len(files) + len(folders), 'file or folder')} left by a kill"
            names = [f"{kind}/{file.file}" for file in files] + folders
            yield Prunable(kind, size, why, "", partial(_remove_all, home, names))


def _half_pulled(home: Folder, older_than: float) -> Iterator[Prunable]:
    """What pulls left that were stopped, at least so long ago."""
    for kind in ("pairs", "students", "teachers"):
        for staging in stopped_pulls(home.local_path(kind)) if home.is_local else ():
            files = [each.stat() for each in staging.rglob("*") if each.is_file()]
            newest = max((each.st_mtime for each in files), default=staging.stat().st_mtime)
            if newest <= time.time() - older_than:
                place, size = f"{kind}/{staging.name}", sum(each.st_size for each in files)
                again = "'kdm pull' goes on with it, or else brings all of it again"
                remove = partial(_give_up, staging)
                yield Prunable(place, size, "left by a pull that was stopped", again, remove)


def _give_up(staging: Path) -> None:
    try:
        give_up(staging)
    except StoreError as error:
        raise HeldError(str(error)) from error


def _remove_all(home: Folder, names: list[str]) -> None:
    for name in names:
        home.remove(name)


def _take_checkpoints(found: Found, home: Folder, place: str) -> None:
    folder = home / place
    size = (folder / "checkpoints").num_bytes()
    try:
        config = read_config(folder)
        if not size or config is None:  # without, the training goes on from them
            return
        if user := user_of(folder):
            found.kept[f"{place}/checkpoints"] = user
            return
        read_weights(folder, config)
    except StoreError as error:  # then they are what its weights are made from again
        found.kept[f"{place}/checkpoints"] = str(error)
        return
    again = f"needed only if its weights are damaged: then {_steps(config)} from the start"
    why = "its training has ended"
    remove = partial(remove_checkpoints, folder)
    found.things.append(Prunable(f"{place}/checkpoints", size, why, again, remove))


def _take_caches(found: Found, home: Folder) -> None:
    users = [user_of(home / "students" / name) for name in things(home, "students")]
    for kind, again in (
        ("features", "pictures pass their network once more"),
        (ANALYSES, "computed again by its study"),
    ):
        size = (home / kind).num_bytes()
        if size and any(users):  # whose evaluation may be reading them
            found.kept[kind] = next(filter(None, users))
        elif size:
            why, remove = "kept for the next evaluation", partial(home.remove, kind)
            found.things.append(Prunable(kind, size, why, again, remove))


def _steps(config: dict[str, object]) -> str:
    return many(int(str(config["num_steps"])), "step")
