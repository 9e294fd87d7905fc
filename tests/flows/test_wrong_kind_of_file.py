"""A folder, pipe or link in a file's place is named, never used or waited for, and replaced by repair."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.store_damage import KINDS, Injection, Target, inject, make_target, stores_of

from storage.care.verify import faults, spec_faults
from storage.folders import folder_at


def _full_folder(place: Path) -> None:
    place.mkdir()
    (place / "notes.txt").write_text("not yours")


STAND_INS: list[Callable[[Path], None]] = [
    Path.mkdir,
    _full_folder,
    os.mkfifo,
    lambda place: place.symlink_to("nowhere"),
    lambda place: place.symlink_to("."),
    lambda place: os.mknod(place, 0o140644),  # a socket
]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_target(tmp_path_factory.mktemp("target") / "home", ("wds-64", "zarr-64"))


@pytest.fixture(scope="module")
def work(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that each injection leaves as it was."""
    return Path(shutil.copytree(target.home, tmp_path_factory.mktemp("work") / "home"))


def places(target: Target, *, is_reversed: bool) -> list[str]:
    """A file of each kind below the set but spec.json, without which nothing else is judged.

    Of shards at one end and of all else at the other: without its record nobody misses a shard.
    """
    found = (
        sorted(target.folder.glob(kind))[0 if ("/shards/" in kind) != is_reversed else -1]
        for kind in KINDS[1:]
    )
    return [str(file.relative_to(target.folder)) for file in found]


@pytest.mark.parametrize("shift", range(len(STAND_INS)))
def test_what_stands_in_a_files_place_is_named_and_replaced(
    target: Target, work: Path, shift: int
) -> None:
    files = places(target, is_reversed=bool(shift % 2))
    named = set()

    def do(folder: Path) -> None:
        for n, file in enumerate(files):
            (folder / file).unlink()
            STAND_INS[(n + shift) % len(STAND_INS)](folder / file)
        stores = stores_of(folder_at(str(folder)))
        named.update(fault.file for store in stores for fault in faults(store))

    assert inject(target, work, Injection("stand-in", tuple(files), do)) == []
    assert named >= set(files)
    there = work / "pairs" / target.name
    assert not list(there.rglob("notes.txt"))
    assert all((there / file).is_file() and not (there / file).is_symlink() for file in files)


@pytest.mark.parametrize("stand_in", STAND_INS)
def test_what_stands_in_the_place_of_a_spec_is_named(
    target: Target, tmp_path: Path, stand_in: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(target.folder, tmp_path / target.name))
    (folder / "spec.json").unlink()
    stand_in(folder / "spec.json")
    (fault,) = spec_faults(folder_at(str(folder)))
    assert f"{folder}/spec.json" in fault.sentence
