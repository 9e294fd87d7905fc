"""100 times kill -9 over all stages: the same command ends as if nothing had happened."""

import shutil
from pathlib import Path

import pytest
from conftest import Finished
from faults.journal import Journal, seeds
from faults.kills import Pace, faults_after, kill_and_resume

pytestmark = pytest.mark.faults

NUM_KILLS = 100
A_HOME = 4  # kills of one run


def test_a_run_killed_at_random_instants_ends_as_one_never_killed(
    finished: Finished, tmp_path: Path
) -> None:
    journal, num_kills = Journal("kills"), 0
    pace = Pace.of(finished.path, finished.seconds)
    for seed in seeds(NUM_KILLS):
        home = tmp_path / str(seed)
        kills = list(kill_and_resume(home, seed, A_HOME, pace))
        num_kills += sum(not kill["ended"] for kill in kills)
        faults = faults_after(home, finished.digests)
        for kill in kills:
            journal.note({**kill, "faults": faults})
        shutil.rmtree(home)
        if num_kills >= NUM_KILLS:
            break
    assert journal.failures == []
