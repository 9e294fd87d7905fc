"""Damage anywhere at a home is named before it is used, or what was damaged is made anew."""

from pathlib import Path

import pytest
from conftest import Finished
from faults.damage import KINDS, damage, find
from faults.here import train_here


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_or_mended_and_never_changes_a_number(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    train_here(monkeypatch)
    home = finished.copy(tmp_path / "home")
    done = damage(home, seed, kind)
    found = find(home, done, finished.digests)
    assert found.is_mended, (done, found)
    assert found.names(done) or not (found.reader or found.command), (done, found)
