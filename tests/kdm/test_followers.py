"""Trackers beside a training: each step comes once, and nothing of theirs reaches the training."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from line_tracker import install_lines
from test_job import TRAINING, described

from kdm.training.job import TrainingJob
from kdm.training.progress import Notice, Progress
from kdm.training.run_job import run_job
from storage.digest import unseal
from storage.folders import Folder
from storage.options import parse

STEPS = [2, 4, 6]  # that are logged


@pytest.fixture(autouse=True)
def lines_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = install_lines(tmp_path / "packages")
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("PYTHONPATH", str(place))
    monkeypatch.delitem(sys.modules, "lines", raising=False)


def job(home: Folder, folder: str, *trackers: Any) -> TrainingJob:
    training = {**TRAINING, "log_every": 2, "trackers": trackers}
    document = described(home, training=training, folder=(home / folder).url)
    return parse(TrainingJob, document, "job")


def run(some: TrainingJob) -> list[str]:
    said: list[Progress | Notice] = []
    run_job(some, report=said.append)
    return [each.notice for each in said if isinstance(each, Notice) and "pairs" not in each.notice]


def told(folder: Folder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in folder.read("lines").splitlines()]


def recorded(folder: Folder) -> dict[int, dict[str, float]]:
    history = unseal(folder.read("losses.json"), "losses")["losses"]
    return {each["step"]: each["losses"] for each in history}


def losses(folder: Folder) -> list[tuple[int, dict[str, float]]]:
    prefix = "loss/"
    return [
        (
            each["step"],
            {n.removeprefix(prefix): v for n, v in each["values"].items() if n.startswith(prefix)},
        )
        for each in told(folder)
        if each["step"]
    ]


def test_a_tracker_is_told_what_the_run_recorded_and_its_final_numbers(home: Folder) -> None:
    assert run(job(home, "student", "lines")) == []
    student = home / "student"
    assert losses(student) == list(recorded(student).items())
    final = told(student)[-1]["final"]
    assert final["final/loss/total"] == recorded(student)[6]["total"]
    assert {"final/seconds", "final/num_ranks", "final/parameters/trainable"} <= final.keys()
    paces = unseal(student.read("timings.json"), "timings")["paces"]
    assert [[each["step"], each["at"]] for each in told(student)[:-1]] == [p[:2] for p in paces]


@pytest.mark.parametrize("how", ["killed_before", "fails_before"])
def test_a_tracker_that_fails_is_a_warning_and_is_told_later_what_it_lacks(
    home: Folder, how: str
) -> None:
    run(job(home, "plain"))
    (notice,) = run(job(home, "student", {"plugin": "lines", how: 4}))
    why = {"killed_before": "SIGKILL", "fails_before": "OSError: [Errno 28] no room for it"}
    assert notice.startswith(f"tracker 'lines' failed ({why[how]}); the training isn't affected")
    student = home / "student"
    for name in ("model.safetensors", "losses.json", "config.json"):
        assert student.read(name) == (home / "plain").read(name)
    assert [step for step, _ in losses(student)] == [2]
    for _ in range(2):
        assert run(job(home, "student", "lines")) == []
    assert losses(student) == list(recorded(student).items())
    assert len(told(student)) == len(STEPS) + 1


def test_what_a_tracker_says_of_a_secret_is_not_passed_on(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES_SECRET", "a-long-secret-value")
    (notice,) = run(job(home, "student", {"plugin": "lines", "fails_before": 0}))
    assert "no room for ***" in notice


def test_a_missing_package_is_said_before_the_first_step(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdm.trackers.choice.find_spec", lambda package: None)
    with pytest.raises(ValueError, match=r"pip install 'kdm-offline\[tensorboard\]'"):
        run(job(home, "student", "tensorboard"))
    assert not (home / "student").exists("checkpoints")


def test_a_run_elsewhere_says_that_a_tracker_needs_a_disk(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.folders.local_folder.LocalFolder.is_local", False)
    (notice,) = run(job(home, "student", "lines"))
    assert "tracker 'lines' writes to a local disk" in notice
    assert not (home / "student").exists("lines")


def test_a_tracker_that_cannot_be_started_is_a_warning(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "no room")

    monkeypatch.setattr("kdm.training.follower.tempfile.TemporaryFile", refuse)
    (notice,) = run(job(home, "student", "lines"))
    assert notice.startswith("tracker 'lines' failed ([Errno 28] no room)")
    assert (home / "student").exists("config.json")
