"""A Dask cluster whose parts die: what was written stays, the rest is made, and nothing hangs."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from distributed.comm.core import CommClosedError
from faults.commands import finish
from faults.digests import assert_equal, digests_of
from faults.generators import generate, num_shards, started
from local_prefect import wait_for
from typer.testing import CliRunner

from flows.cli import app
from flows.generation import on_dask
from flows.generation.dask_task import make_unit
from storage.errors import MismatchError, StoreError
from storage.folders import folder_at

DASK = str(Path(sys.executable).with_name("dask"))


@dataclass
class Cluster:
    """A scheduler and workers, as their commands start them."""

    address: str
    scheduler: psutil.Popen
    workers: list[psutil.Popen] = field(default_factory=list)

    def add_worker(self) -> None:
        """Start another worker, which makes one unit at a time."""
        options = ["--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
        self.workers.append(quiet([DASK, "worker", self.address, *options]))

    def kill(self) -> None:
        """End everything at once."""
        for process in (self.scheduler, *self.workers):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()


def quiet(command: list[str]) -> psutil.Popen:
    return psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A scheduler and two workers, of which a test may kill one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    started_here = Cluster(f"tcp://127.0.0.1:{port}", quiet([DASK, "scheduler", *options]))
    started_here.add_worker()
    started_here.add_worker()
    try:
        yield started_here
    finally:
        started_here.kill()


def on(cluster: Cluster, home: Path, recipe: Path) -> subprocess.Popen[str]:
    address = cluster.address.replace("tcp://", "dask://")
    return started(generate(home, recipe, "--on", address))


def test_a_worker_and_a_client_that_are_killed_cost_no_shard(
    cluster: Cluster, shared_recipe: Path, shared_digests: dict[str, str], tmp_path: Path
) -> None:
    first = on(cluster, tmp_path, shared_recipe)
    wait_for(lambda: num_shards(tmp_path) >= 3, seconds=90, every=0.02)
    first.kill()
    first.communicate()
    second = on(cluster, tmp_path, shared_recipe)
    before = num_shards(tmp_path)
    wait_for(lambda: num_shards(tmp_path) > before or second.poll() is not None, seconds=90)
    cluster.workers[0].kill()
    ended = finish(second)
    assert ended.code == 0, ended.said
    assert_equal(digests_of(tmp_path), shared_digests)


def test_a_scheduler_that_is_killed_ends_the_command_in_time(
    cluster: Cluster, shared_recipe: Path, shared_digests: dict[str, str], tmp_path: Path
) -> None:
    process = on(cluster, tmp_path, shared_recipe)
    wait_for(lambda: num_shards(tmp_path) >= 3, seconds=90, every=0.02)
    cluster.scheduler.kill()
    began = time.monotonic()
    ended = finish(process, seconds=60)
    assert ended.code == 2, ended.said
    assert "run the same command again" in ended.said
    assert "Traceback" not in ended.said
    assert time.monotonic() - began < 60
    cluster.kill()
    assert finish(started(generate(tmp_path, shared_recipe, "--workers", "1"))).code == 0
    assert_equal(digests_of(tmp_path), shared_digests)


def test_a_late_worker_of_another_version_makes_nothing() -> None:
    answer = make_unit("0.0.1", {"work": {}, "announcement": None}, "train", [0])
    assert answer["kind"] == "StoreError"
    assert "the command 0.0.1; install the same version everywhere" in answer["error"]


class Answers:
    """A client whose workers answered so: one that dies meanwhile leaves its closed connection."""

    def __init__(self, *answers: object) -> None:
        self.answers = answers

    def run(self, _function: object, _home: str, *, on_error: str) -> dict[str, object]:
        assert on_error == "return"  # else the first error is raised, whatever the others answer
        return {f"tcp://{number}": each for number, each in enumerate(self.answers)}


def test_a_worker_that_dies_while_it_is_asked_is_no_reason_to_end(tmp_path: Path) -> None:
    work = SimpleNamespace(run=SimpleNamespace(home=folder_at(str(tmp_path))))
    dead, sound = CommClosedError("reset"), {"version": version("kdm-offline"), "sees_home": True}
    on_dask._require_fit(Answers(dead, sound), work)
    with pytest.raises(StoreError, match="doesn't see the home"):
        on_dask._require_fit(Answers(dead, {**sound, "sees_home": False}), work)
    with pytest.raises(MismatchError, match="can't run"):
        on_dask._require_fit(Answers(sound, ImportError("no module")), work)
    with pytest.raises(PermissionError):
        on_dask._require_fit(Answers(PermissionError("home")), work)


def test_a_scheduler_that_is_not_there_is_told_in_a_sentence(
    shared_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_dask, "CONNECT_SECONDS", 0.5)
    words = generate(tmp_path, shared_recipe, "--on", "dask://127.0.0.1:1")[1:]
    ended = CliRunner().invoke(app, words)
    assert isinstance(ended.exception, StoreError)
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in str(ended.exception)
