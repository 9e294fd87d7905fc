"""Kill it anywhere, run the same command again: it ends as if it had never been stopped."""

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import finish, kdm, start, trainings, wait_until_alone
from faults.crash_points import KILLED, forks
from faults.digests import digests_of, temporary_files, unmeasured
from faults.here import run_here, train_here
from faults.kills import Pace, faults_after, kill


def test_a_run_killed_at_random_instants_ends_as_one_never_killed(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home = finished.copy(tmp_path / "home", "pairs", "students", "reports")
    # `make faults` does it by the hundred, from an empty home.
    pace = Pace(0.7 * finished.seconds, start=0)  # the rest goes into the teacher, which is there
    (killed,) = kill(home, seed=19, num_kills=1, pace=pace)
    wait_until_alone(home)
    run_here(home)
    assert faults_after(home, finished.digests) == [], killed


def test_sigterm_ends_training_after_a_checkpoint_that_the_same_command_goes_on_from(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home = finished.copy(tmp_path / "home", "students", "reports")
    process = start(kdm(home, "--until", "distill"))
    wait_for(home, "students/*/checkpoints/*.json")
    os.kill(process.pid, signal.SIGTERM)
    ended = finish(process, seconds=10)
    assert ended.code == 128 + signal.SIGTERM
    assert "the same command resumes" in ended.said
    assert "Traceback" not in ended.said
    assert trainings(home) == []
    assert not list(home.glob("students/*/config.json"))
    run_here(home, until="distill")
    (weights,) = home.glob("students/*/model.safetensors")
    assert str(weights.relative_to(home)) in finished.digests
    assert unmeasured(digests_of(home)).items() <= finished.digests.items()


def test_a_training_whose_command_was_killed_leaves_a_checkpoint_and_ends_by_itself(
    finished: Finished, tmp_path: Path
) -> None:
    # One in forty ends at a step whose checkpoint was due anyway, which shows nothing.
    steps = (step_at_end(finished, tmp_path / str(attempt)) for attempt in range(3))
    assert any(step % 40 for step in steps), "they are all checkpoints by schedule"


def step_at_end(finished: Finished, home: Path) -> int:
    """Of the last checkpoint of a training whose command was killed."""
    finished.copy(home, "students", "reports")
    process = start(kdm(home, "--set", "students.kdm.training.num_steps=100000"))
    wait_for(home, "students/*/checkpoints/*.json")
    process.kill()
    wait_until_alone(home, seconds=10)
    assert temporary_files(home) == []
    newest = max(home.glob("students/*/checkpoints/*.json"))
    return int(newest.stem.removeprefix("step-"))


def wait_for(home: Path, pattern: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not any(home.glob(pattern)):
        assert time.monotonic() < deadline, f"{pattern} did not appear"
        time.sleep(0.02)


def test_a_run_gone_at_a_change_of_the_disk_ends_as_one_never_gone(
    finished: Finished, tmp_path: Path
) -> None:
    golden = {n: d for n, d in finished.digests.items() if n.startswith(("pairs", "teachers"))}
    with forks() as process:
        for point in (3, 190):
            home = finished.copy(tmp_path / str(point), "pairs", "students", "reports")
            assert process.run(home, until="filter-pairs", crash_at=point).code == KILLED
            assert process.run(home, until="filter-pairs").code == 0
            assert faults_after(home, golden) == [], f"point {point}"
