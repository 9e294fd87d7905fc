"""Several processes at once on one home, and a large set that grows under its reader."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Finished
from faults.commands import finish, kdm, start, succeed, wait_until_alone
from faults.journal import Journal, seeds
from faults.kills import faults_after

from storage.folders import folder_at
from storage.store import PairStore

pytestmark = pytest.mark.faults

NUM_RACES = 12
LARGE = ("--until", "generate-pairs", "--set", "pairs.layout=wds-4096")


def test_several_commands_at_once_leave_what_one_would(finished: Finished, tmp_path: Path) -> None:
    journal = Journal("races")
    for seed in seeds(NUM_RACES):
        # Each third of the races begins at another stage; every other one has three runners.
        done = [("pairs", "students", "reports"), ("students", "reports"), ()][seed % 3]
        home = tmp_path / str(seed)
        if done:
            finished.copy(home, *done)
        ended = [finish(each) for each in [start(kdm(home)) for _ in range(2 + seed % 2)]]
        wait_until_alone(home)
        faults = [each.said for each in ended if each.code] + faults_after(home, finished.digests)
        journal.note({"seed": seed, "codes": [each.code for each in ended], "faults": faults})
    assert journal.failures == []


def test_growth_from_50000_to_80000_leaves_a_reader_alone(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "pairs", "students", "reports")
    succeed(kdm(home, *LARGE, "--count", "50000"))
    (folder,) = (home / "pairs").iterdir()
    x_0, num_reads = read(folder), 0
    writer = start(kdm(home, *LARGE, "--count", "80000"))
    while writer.poll() is None:
        assert np.array_equal(read(folder), x_0)
        num_reads += 1
    assert finish(writer).code == 0
    assert num_reads > 3
    grown = PairStore.open(folder_at(str(folder)), split="train")
    assert grown.ledger.manifests.names() == ["000013.json", "000020.json"]
    assert np.array_equal(grown.load(80_000).pairs.x_0[:50_000], x_0)


def read(folder: Path) -> np.ndarray:
    """All 50,000, verified once more."""
    return np.asarray(PairStore.open(folder_at(str(folder)), split="train").load(50_000).pairs.x_0)
