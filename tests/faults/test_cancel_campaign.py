"""Twenty trainings that are asked to stop: each leaves a checkpoint in time, nothing else, and is resumed."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import Finished
from faults.commands import succeed
from faults.digests import digests_of, unmeasured
from faults.journal import Journal, seeds
from faults.stops import Trainee, command, faults_of, flow_run, train
from local_prefect import BIN, LocalPrefect

pytestmark = pytest.mark.faults

NUM_STOPS = 20
WAYS = ("SIGTERM", "SIGINT", "SIGUSR1", "worker", "page")


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[LocalPrefect]:
    """A server with the deployments."""
    (tmp_path / "prefect").mkdir()
    prefect = LocalPrefect(tmp_path / "prefect")
    try:
        prefect.start()
        words = [str(BIN / "kdm"), "deploy"]
        subprocess.run(words, check=True, cwd=tmp_path, env=prefect.environment())
        yield prefect
    finally:
        prefect.kill()


def test_a_training_that_is_stopped_in_any_way_leaves_in_time_and_goes_on(
    finished: Finished, prefect: LocalPrefect, tmp_path: Path
) -> None:
    journal, begun = Journal("stops"), finished.copy(tmp_path / "begun", "students", "reports")
    shutil.copytree(begun, tmp_path / "golden")
    succeed(train(tmp_path / "golden"))
    golden = unmeasured(digests_of(tmp_path / "golden"))
    for seed in seeds(NUM_STOPS):
        home = tmp_path / str(seed)
        shutil.copytree(begun, home)
        way = WAYS[seed % len(WAYS)]
        faults = stopped(way, seed, home, prefect)
        succeed(train(home))
        found = unmeasured(digests_of(home))
        faults += [f"{n} differs" for n in {*found, *golden} if found.get(n) != golden.get(n)]
        journal.note({"seed": seed, "way": way, "faults": faults})
        shutil.rmtree(home)
    assert journal.failures == []


def stopped(way: str, seed: int, home: Path, prefect: LocalPrefect) -> list[str]:
    """What isn't as promised after the training was stopped that way."""
    delay = random.Random(seed).uniform(0, 0.5)
    if way not in ("worker", "page"):
        with command(home) as process:
            trainee = Trainee.of(home, psutil.Process(process.pid))
            time.sleep(delay)
            process.send_signal(getattr(signal, way))
            return faults_of(trainee)
    with flow_run(prefect, home) as run:
        trainee = Trainee.of(home, run.process)
        time.sleep(delay)
        if way == "page":
            prefect.set_state(run.number, "CANCELLING", "Cancelling")
        else:
            os.killpg(run.worker.pid, signal.SIGTERM)
        return faults_of(trainee)
