"""Training by real ranks: how many there are changes neither losses nor who may go on from whom."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from itertools import count
from typing import Any

import psutil
import pytest
from shared_steps import job

from flows.exit import TrainingFailedError
from flows.progress import Meter, Progress
from flows.ranks import Ranks
from flows.ranks import ranks_of as asked_ranks
from flows.stages.child import run_training
from kdm.training.errors import Interrupted
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from storage.digest import unseal
from storage.folders import Folder, folder_at
from storage.options import parse

TOLERANCE = 1e-4
STEPS = 30


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return folder_at(str(tmp_path_factory.mktemp("ranks")))


def finish(place: Folder, folder: str, *, stop_after: int = STEPS, **training: Any) -> None:
    """By one process: this one."""
    asked = count()
    described = parse(TrainingJob, job(place, folder, **{"num_steps": STEPS, **training}), "job")
    run_job(described, report=lambda _: None, should_stop=lambda: next(asked) == stop_after)


def losses(folder: Folder) -> list[dict[str, float]]:
    """Of every step."""
    entries = unseal(folder.read("losses.json"), "losses")["losses"]
    return [entry["losses"] for entry in entries]


def farthest(some: Folder, other: Folder) -> float:
    """The largest difference of a loss at any step that both have made."""
    both = list(zip(losses(some), losses(other), strict=False))
    assert len(both) >= 20
    return max(abs(one[name] - two[name]) for one, two in both for name in one)


@pytest.fixture(scope="module")
def alone(place: Folder) -> Folder:
    finish(place, "alone")
    return place / "alone"


def written(place: Folder, folder: str) -> str:
    place.replace(f"{folder}.json", json.dumps(job(place, folder, num_steps=STEPS)).encode())
    return f"{place.url}/{folder}.json"


def started(place: Folder, folder: str, ranks: int, *nodes: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kdm.training.launch", written(place, folder)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, str(ranks), str(os.getpid()), *nodes], **pipes)


def ranks_of(launcher: int) -> dict[int, psutil.Process]:
    children = psutil.Process(launcher).children(recursive=True)
    told = [(child.environ().get("RANK"), child) for child in children]
    return {int(rank): child for rank, child in told if rank is not None}


def is_at_work(process: psutil.Process) -> bool:
    """Whether it's neither gone nor waits for whoever adopted it to notice that it has ended."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def steps_until(child: subprocess.Popen[str], step: int) -> None:
    assert child.stdout is not None
    while (line := child.stdout.readline()) and json.loads(line).get("step", 0) < step:
        pass


def test_one_rank_goes_on_by_two_and_they_after_sigterm_as_one_would_have(
    place: Folder, alone: Folder
) -> None:
    with pytest.raises(Interrupted):
        finish(place, "chain", stop_after=12)
    two = started(place, "chain", ranks=2)
    steps_until(two, 20)
    ranks = ranks_of(two.pid)
    two.send_signal(signal.SIGUSR1)  # as Slurm does; it's passed on as SIGTERM
    _, said = two.communicate(timeout=15)
    assert (two.returncode, len(ranks)) == (143, 2)
    assert said.count("with a checkpoint") == 1
    assert not any(rank.is_running() for rank in ranks.values())
    assert started(place, "chain", ranks=2).wait(timeout=60) == 0
    assert farthest(place / "chain", alone) < TOLERANCE
    assert unseal((place / "chain").read("timings.json"), "timings")["num_ranks"] == 2


def test_a_killed_rank_ends_the_others_and_one_process_goes_on(
    place: Folder, alone: Folder
) -> None:
    found: dict[int, psutil.Process] = {}

    def strike(progress: Progress) -> None:
        if progress.done >= 12 and not found:
            mine = psutil.Process().children()
            (launcher,) = (each for each in mine if "kdm.training.launch" in each.cmdline())
            found.update(ranks_of(launcher.pid))
            found[1].kill()

    meter = Meter(strike, "distill", "kdm", 24, "steps")
    with pytest.raises(TrainingFailedError, match="rank 1 was ended by SIGKILL, and training with"):
        run_training(job(place, "struck", num_steps=24), place / "struck", meter, ranks=Ranks(2))
    assert not any(rank.is_running() for rank in found.values())
    finish(place, "struck", num_steps=24)
    assert farthest(place / "struck", alone) < TOLERANCE


def test_two_machines_train_as_one_and_one_goes_on_after_the_other_is_killed(
    place: Folder, alone: Folder
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting_place = f"127.0.0.1:{free.getsockname()[1]}"
    both = [started(place, "nodes", 1, "2", meeting_place) for _ in range(2)]
    ranks: dict[int, psutil.Process] = {}
    while len(ranks) < 2:
        for each in both:
            ranks.update(ranks_of(each.pid))
        time.sleep(0.1)
    first = next(each for each in both if each.pid == ranks[0].ppid())
    second = next(each for each in both if each is not first)
    steps_until(first, 12)
    for process in (second, ranks[1]):
        process.kill()
    _, said = first.communicate(timeout=60)
    assert first.returncode not in (0, None), said
    second.communicate()
    assert not any(map(is_at_work, ranks.values()))
    finish(place, "nodes")
    assert farthest(place / "nodes", alone) < TOLERANCE


@pytest.mark.parametrize(
    ("nodes", "rendezvous", "words"),
    [
        (None, "node1:29400", "add their number, as in --nodes 2"),
        (1, "node1:29400", "add their number, as in --nodes 2"),
        (2, "", "name one of the machines and a free port"),
        (2, "node1", "name one of the machines and a free port"),
        (2, "http://node1:1", "name one of the machines and a free port"),
    ],
)
def test_machines_and_their_meeting_place_come_together(
    nodes: int | None, rendezvous: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        asked_ranks(2, nodes, rendezvous)


def test_ranks_whose_commands_parent_died_leave_after_a_checkpoint(place: Folder) -> None:
    starter = (
        "import json, os, subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'kdm.training.launch', sys.argv[1], '2', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "while json.loads(child.stdout.readline()).get('step', 0) < 1:\n"
        "    pass\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", starter, written(place, "orphaned")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    launcher = int(parent.stdout.readline())
    processes = [psutil.Process(launcher), *ranks_of(launcher).values()]
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert (len(processes), alive) == (3, [])
    assert (place / "orphaned/checkpoints").names()
    assert not (place / "orphaned").exists("config.json")
