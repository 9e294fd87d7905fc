"""Audits of students that copy twenty training points, and of honest ones, over ten training sets."""

import numpy as np
import pytest
from faults.here import train_here
from planted_copies import dataset, distil, kdm, planted

from storage.digest import unseal
from storage.folders import Folder, folder_at

pytestmark = pytest.mark.trials
SEEDS = range(10)


def audited(home: Folder, seed: int, points: np.ndarray) -> dict[str, float]:
    """p-values of a student of pairs at these points, audited against this seed's training set."""
    distil(home, planted(home, points), dataset(seed), num_steps=600)
    ended = kdm("privacy", "audit", "kdm", "--count", "1000", "--device", "cpu", "--home", home.url)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    (name,) = (home / "audits").names()
    found = unseal((home / "audits" / name).read("audit.json"), name)
    own = found["rows"]["student-fresh"]
    return {
        "test": own["membership"]["p_value"],
        "control": found["membership_control"]["p_value"],
        "closer": own["closer"]["low"],
    }


def test_copies_are_found_and_points_that_nobody_trained_on_are_not(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    copies, honest = [], []
    for seed in SEEDS:
        homes = [folder_at(str(tmp_path_factory.mktemp(name))) for name in ("copies", "honest")]
        copies.append(audited(homes[0], seed, dataset(seed).train()))
        # As many points of another draw: nobody's training set.
        honest.append(audited(homes[1], seed, dataset(1000 + seed).train()))
    print(copies, honest)
    assert sum(each["test"] < 0.01 for each in copies) >= 8
    assert all(each["closer"] > 0.5 for each in copies)
    assert sum(each["test"] < 0.01 for each in honest) <= 1
    assert sum(each["control"] < 0.05 for each in (*copies, *honest)) <= 4
