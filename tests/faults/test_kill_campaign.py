"""100 times kill -9 over all stages: the same command ends as if nothing had happened."""

import shutil
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import kdm, succeed
from faults.digests import digests_of
from faults.journal import Journal, seeds
from faults.kills import Pace, faults_after, kill_and_resume
from twins import TWINS

pytestmark = pytest.mark.faults

NUM_KILLS = 100
A_HOME = 4  # kills of one run
NUM_TWINS = 20  # runs with a kill


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


def test_students_that_are_trained_at_once_end_as_if_none_had_been_killed(
    finished: Finished, tmp_path: Path
) -> None:
    options = ("--until", "distill", "--at-once", "2", "--set", TWINS)
    journal, begun = Journal("twins"), finished.copy(tmp_path / "begun", "students", "reports")
    start = succeed(kdm(begun, "--until", "filter-pairs")).seconds
    shutil.copytree(begun, tmp_path / "golden")
    pace = Pace(succeed(kdm(tmp_path / "golden", *options)).seconds, start)
    golden = digests_of(tmp_path / "golden")
    for seed in seeds(NUM_TWINS):
        home = tmp_path / str(seed)
        shutil.copytree(begun, home)
        (kill,) = kill_and_resume(home, seed, 1, pace, *options)
        journal.note({**kill, "faults": faults_after(home, golden)})
        shutil.rmtree(home)
    assert journal.failures == []
