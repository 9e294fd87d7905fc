"""`python -m kdm.training` as a real process: signals, kills, a dead parent, a wrong job."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_job import described
from test_trainer import outcome

from kdm.training.__main__ import main
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from kdm.training.stop import StopRequest
from storage.folders import Folder, folder_at
from storage.options import parse

# About a second of steps, so that a process can be caught in the midst of them.
TRAINING = {"num_steps": 280, "batch_size": 2048, "warmup_steps": 5, "checkpoint_every": 30}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return folder_at(str(tmp_path_factory.mktemp("training")))


def write_job(place: Folder, folder: str, **changes: Any) -> str:
    described_as = {"training": TRAINING, "folder": (place / folder).url, **changes}
    job = described(place, **described_as)
    place.replace(f"{folder}.json", json.dumps(job).encode())
    return f"{place.url}/{folder}.json"


def finish(path: str) -> None:
    """The same job in this process."""
    run_job(parse(TrainingJob, json.loads(Path(path).read_bytes()), path), report=lambda _: None)


@pytest.fixture(scope="module")
def never_stopped(place: Folder) -> dict[str, Any]:
    finish(write_job(place, "whole"))
    return result(place / "whole")


def result(folder: Folder) -> dict[str, Any]:
    names = ("model.safetensors", "losses.json", "config.json")
    return {name: folder.read(name) for name in names} | {"last": outcome(folder, 280)}


def start(path: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kdm.training", path]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_steps(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    reports = map(json.loads, child.stdout)
    assert next(report["step"] for report in reports if "step" in report) > 0


def struck(place: Folder, name: str, strike: Callable[[subprocess.Popen[str]], None]) -> str:
    """The job of a process that `strike` ended in the midst of its steps.

    A process that was faster than the blow has shown nothing, so another is begun.
    """
    for attempt in range(20):
        path = write_job(place, folder := f"{name}-{attempt}")
        child = start(path)
        wait_for_steps(child)
        strike(child)
        if not (place / folder).exists("config.json"):
            return path
    raise AssertionError("20 processes in a row had finished before they could be struck")


def test_sigterm_leaves_143_and_a_checkpoint_from_which_the_same_bits_come(
    place: Folder, never_stopped: dict[str, Any]
) -> None:
    ends = []

    def terminate(child: subprocess.Popen[str]) -> None:
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=10)
        ends.append((child.returncode, "with a checkpoint" in said))

    path = struck(place, "terminated", terminate)
    assert ends[-1] == (143, True)
    finish(path)
    assert result(folder_at(path.removesuffix(".json"))) == never_stopped


def test_kill_9_at_random_leaves_the_same_bits(
    place: Folder, never_stopped: dict[str, Any]
) -> None:
    def kill(child: subprocess.Popen[str]) -> None:
        time.sleep(random.uniform(0, 0.3))
        child.kill()
        child.communicate(timeout=10)

    path = struck(place, "killed", kill)
    finish(path)
    assert result(folder_at(path.removesuffix(".json"))) == never_stopped


def test_a_process_whose_parent_died_leaves_after_a_checkpoint(place: Folder) -> None:
    path = write_job(place, "orphaned", training={**TRAINING, "num_steps": 100_000})
    starter = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'kdm.training', {path!r}],"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)
    assert not (place / "orphaned").exists("config.json")
    assert (place / "orphaned/checkpoints").names()


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_wrong_job_is_one_sentence_and_code_2(place: Folder) -> None:
    path = write_job(place, "wrong", model={"plugin": "kmd"})
    _, said = (child := start(path)).communicate(timeout=30)
    assert child.returncode == 2
    assert said.count("\n") == 1
    assert "did you mean 'kdm'" in said


def test_training_that_breaks_down_is_one_sentence_and_code_1(
    place: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    training = {**TRAINING, "batch_size": 8, "learning_rate": 1e30}
    job = described(place, training=training, folder=(place / "broken").url)
    place.replace("broken.json", json.dumps(job).encode())
    assert main([f"{place.url}/broken.json"]) == 1
    assert "Try a lower learning rate" in capsys.readouterr().err


def test_a_parent_other_than_the_one_named_is_a_reason_to_leave(place: Folder) -> None:
    assert StopRequest(parent=1 if os.getppid() != 1 else 2)()
    assert not StopRequest()()
