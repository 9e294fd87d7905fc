"""kill -9 at random of trainings with trackers: one run, each step once, the values that are on disk.

With `faults` the trackers are TensorBoard and one of the tests' own. With `peers` MLflow, W&B, trackio and
TensorBoard's own reader come too, and nothing may ask for an address outside this machine.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from faults.journal import Journal, seeds
from faults.tracked import DIGITS, READERS, differences, should_be
from line_tracker import install_lines
from picture_pairs import LAYOUT, filled

from storage.folders import Folder, folder_at

PEERS = ("mlflow", "trackio", "wandb")
UNETS = {"kind": "song-unet", "model_channels": 8, "channel_mult": [1], "num_blocks": 1}
TRAINING = {
    "num_steps": 300,
    "batch_size": 4,
    "warmup_steps": 1,
    "log_every": 3,
    "checkpoint_every": 10,
    "samples_every": 60,
}
NUM_KILLS = 8  # of one run
NUM_ENDS = 10  # a busy machine may need more than the minute that a run waits for its trackers
# Everything that a process asks the network for, by an audit hook of Python's own, but for loopback.
GUARD = """
import os, sys

def heed(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        note(str(arguments[1][0]))
    elif event == "socket.getaddrinfo":
        note(str(arguments[0]))

def note(host):
    if host not in ("127.0.0.1", "::1", "localhost", "None"):
        with open(os.environ["ASKED_FOR"], "a") as file:
            file.write(host + "\\n")

sys.addaudithook(heed)
"""


@pytest.mark.faults
def test_a_run_killed_anywhere_is_one_run_with_each_step_once(tmp_path: Path) -> None:
    campaign(tmp_path, ["lines", "tensorboard"], num_runs=3)


@pytest.mark.peers
@pytest.mark.skipif(
    any(find_spec(each) is None for each in (*PEERS, "tensorboard")),
    reason="MLflow, W&B, trackio and TensorBoard are in an environment of their own (make trackers-test)",
)
def test_a_run_killed_anywhere_is_one_run_in_every_tracker(tmp_path: Path) -> None:
    campaign(tmp_path, ["lines", "tensorboard", *PEERS], num_runs=1)


def campaign(tmp_path: Path, trackers: list[str], num_runs: int) -> None:
    """Train with these trackers, kill it again and again, and compare what they hold with the disk."""
    journal = Journal(f"trackers-{len(trackers)}")
    packages = install_lines(tmp_path / "packages")
    (packages / "sitecustomize.py").write_text(GUARD)
    with listening() as (proxy, requests):
        environment = variables(tmp_path, packages, proxy)
        for seed in seeds(num_runs):
            home = folder_at(str(tmp_path / f"home-{seed}"))
            job = write_job(home, trackers)
            kills = list(kill_and_resume(job, seed, environment))
            journal.note({"seed": seed, "kills": kills, "faults": faults(home, trackers)})
        asked = tmp_path / "asked"
        assert (asked.read_text() if asked.exists() else "") == ""
        assert requests == []
    assert journal.failures == []


def write_job(home: Folder, trackers: list[str]) -> Path:
    """The job's file, of a student of pictures as small as they come."""
    filled(home / "pairs", "train")
    filled(home / "pairs", "heldout")
    pairs = {"kind": "pairs", "url": (home / "pairs").url, "layout": LAYOUT, "count": 64}
    job = {
        "group": "kdm.students",
        "model": {"plugin": "kdm-f", "networks": {**UNETS, "latent_dim": 6}},
        "source": pairs,
        "training": {**TRAINING, "trackers": trackers},
        "folder": student(home).url,
        "device": "cpu",
    }
    home.replace("job.json", json.dumps(job).encode())
    return home.local_path("job.json")


def student(home: Folder) -> Folder:
    return home / "students" / "kdm-f-0123456789ab"


def kill_and_resume(
    job: Path, seed: int, environment: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Kill all of the training, or its trackers alone, again and again; then let it end."""
    random_ = random.Random(seed)
    checkpoints = student(folder_at(str(job.parent))) / "checkpoints"
    for step in sorted(random_.sample(range(10, TRAINING["num_steps"]), NUM_KILLS)):
        process = begun(job, environment)
        while process.poll() is None and last(checkpoints) < step:
            time.sleep(0.05)
        time.sleep(random_.expovariate(1))  # mostly in the course of the trackers' own work
        is_all = random_.random() < 0.7
        kill_all(process) if is_all else kill_trackers(process, random_)
        yield {"step": step, "all": is_all, "ended": process.poll() == 0}
        if not is_all:
            time.sleep(random_.expovariate(2))
            kill_all(process)
    for _ in range(NUM_ENDS):
        if not told(job):
            ended = begun(job, environment)
            said, _ = ended.communicate(timeout=1200)
            assert ended.returncode == 0, said


def told(job: Path) -> bool:
    """Whether every tracker has had everything."""
    place, wanted = student(folder_at(str(job.parent))), json.loads(job.read_text())
    names = wanted["training"]["trackers"]
    return all(place.exists(f"trackers/told-{name}.json") for name in names)


def last(checkpoints: Folder) -> int:
    steps = [int(name[5:-5]) for name in checkpoints.names() if name.endswith(".json")]
    return max(steps, default=0)


def begun(job: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "kdm.training", str(job)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=dict(environment),
    )


def kill_all(process: subprocess.Popen[str]) -> None:
    """The training and whatever it has started, at one instant."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_trackers(process: subprocess.Popen[str], random_: random.Random) -> None:
    """Some of what the training has started."""
    if process.poll() is None:
        for each in psutil.Process(process.pid).children(recursive=True):
            if random_.random() < 0.7:
                with suppress(psutil.NoSuchProcess):
                    each.kill()


def faults(home: Folder, trackers: list[str]) -> list[str]:
    """What each tracker holds that the run's folder doesn't say, and what it lacks."""
    expected = should_be(student(home))
    assert len(expected.losses["loss/total"]) == TRAINING["num_steps"] // TRAINING["log_every"]
    return [
        f"{name}: {fault}"
        for name in trackers
        if name in READERS and (name != "tensorboard" or find_spec(name))
        for fault in differences(
            READERS[name](student(home)), expected, digits=DIGITS.get(name, 17)
        )
    ]


def variables(tmp_path: Path, packages: Path, proxy: str) -> dict[str, str]:
    """As a user has them, with a proxy that is asked for whatever leaves the machine."""
    kept = {
        name: each for name, each in os.environ.items() if not name.startswith(("WANDB", "MLFLOW"))
    }
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    return {
        **kept,
        **proxies,
        "PYTHONPATH": str(packages),
        "ASKED_FOR": str(tmp_path / "asked"),
        "HF_TOKEN": "hf_a-token-that-is-nobodys",
        "OMP_NUM_THREADS": "1",
    }


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A proxy's address, and what it was asked for."""
    requests: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            requests.append(self.path)
            self.send_error(403)

        do_GET = do_POST = do_CONNECT

    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()
