"""200 flipped bits, 200 cuts, 200 missing and 200 swapped files: named before use, or made anew."""

import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from conftest import Finished
from faults.damage import KINDS, damage, find
from faults.here import train_here
from faults.journal import Journal, seeds

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
