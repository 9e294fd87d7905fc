"""Damage by the hundred: to any file of a home, and to every kind of file of a set in both layouts."""

import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from conftest import Finished
from faults.damage import KINDS, damage, find
from faults.here import train_here
from faults.journal import Journal, seeds
from faults.store_damage import LAYOUTS, inject, injections, make_target

pytestmark = pytest.mark.faults

NUM_INJECTIONS = 200


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_or_mended_and_never_changes_a_number(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    train_here(monkeypatch)
    journal = Journal(f"damage-{kind}")
    for seed in seeds(NUM_INJECTIONS):
        home = finished.copy(tmp_path / str(seed))
        done = damage(home, seed, kind)
        found = find(home, done, finished.digests)
        is_silent = bool(found.reader or found.command) and not found.names(done)
        faults = ["not as before"] * (not found.is_mended) + ["not named"] * is_silent
        journal.note({**asdict(done), **asdict(found), "faults": faults})
        shutil.rmtree(home)
    assert journal.failures == []


@pytest.mark.parametrize("layouts", LAYOUTS)
def test_every_damage_to_a_set_is_found_by_name_never_used_and_repaired(
    tmp_path: Path, layouts: str
) -> None:
    target = make_target(tmp_path / "target", LAYOUTS[layouts])
    other = make_target(tmp_path / "other", LAYOUTS[layouts], seed=4)
    shutil.copytree(target.home, tmp_path / "work")
    journal = Journal(f"damage-set-{layouts}")
    for injection in injections(target, other):
        wrong = inject(target, tmp_path / "work", injection)
        kind, files, _, detail = injection
        journal.note({"kind": kind, "files": files, "detail": detail, "faults": wrong})
    assert journal.num_lines > 800
    assert journal.failures == []
