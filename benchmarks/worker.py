"""How long a worker's run takes before its first task: a real server, `pipeline` of a cached recipe.

Wall seconds from the moment in which the worker takes the run (state Pending) to the moment in which its
first task starts; CPU seconds are those of the run's own process up to then, with its children.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.measured import kdm, measured
from flows.documents.timings import machine

_BIN = Path(sys.executable).parent
PATIENCE = 600.0  # seconds
_TRIES = 30


def table(repeats: int = 3) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        measured("first", kdm("run", "tiny", "--direct", "--home", str(place / "home")))
        with served(place) as (api, environment):
            subprocess.run(kdm("deploy"), check=True, stdout=subprocess.DEVNULL, env=environment)
            with started("worker", "start", "--pool", "local", environment=environment):
                found = [_run(api, str(place / "home")) for _ in range(repeats)]
    yield f"On {machine()}; {repeats} runs."
    yield ""
    yield "| before the first task | best | of all |"
    yield "|---|---:|---|"
    for name, seconds in (
        ("wall s", [wall for wall, _ in found]),
        ("CPU s", [cpu for _, cpu in found]),
    ):
        yield f"| {name} | {min(seconds):.1f} | {', '.join(f'{each:.1f}' for each in seconds)} |"


def _run(api: str, home: str) -> tuple[float, float]:
    """Wall and CPU seconds of one run before its first task."""
    deployment = ask(api, "deployments", deployments={"tags": {"all_": ["pipeline"]}})[0]["id"]
    parameters = {"recipe": "tiny", "home": home}
    run = post(f"{api}/deployments/{deployment}/create_flow_run", parameters=parameters)["id"]
    cpu = 0.0
    deadline = time.monotonic() + PATIENCE
    while not (tasks := ask(api, "task_runs", flow_runs={"id": {"any_": [run]}})):
        assert time.monotonic() < deadline, "no task has started"
        cpu = max(cpu, _cpu_of(run))
        time.sleep(0.2)
    started = min(moment(each["start_time"]) for each in tasks if each["start_time"])
    states = httpx.get(f"{api}/flow_run_states/", params={"flow_run_id": run}).json()
    taken = min(moment(each["timestamp"]) for each in states if each["type"] == "PENDING")
    wait_for_end(api, run, deadline)
    return started - taken, cpu


def wait_for_end(api: str, run: str, deadline: float) -> None:
    while httpx.get(f"{api}/flow_runs/{run}").json()["end_time"] is None:
        assert time.monotonic() < deadline, "the run has not ended"
        time.sleep(0.5)


def _cpu_of(run: str) -> float:
    """CPU seconds of the process that the worker has started for a run."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PREFECT__FLOW_RUN_ID", "").replace("-", "") == run.replace(
                "-", ""
            ):
                used = process.cpu_times()
                return used.user + used.system + used.children_user + used.children_system
    return 0.0


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def ask(api: str, what: str, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = post(f"{api}/{what}/filter", **body)
    return found


def post(url: str, **body: Any) -> Any:
    """The answer; asked again for a while where the server's database is busy (503)."""
    for _ in range(_TRIES):
        answer = httpx.post(url, json=body, timeout=60)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    return answer.raise_for_status().json()


@contextmanager
def served(place: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A server with a database of its own: its address, and the environment of what asks it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    kept = {name: each for name, each in os.environ.items() if not name.startswith("PREFECT_")}
    own = {"PREFECT_HOME": str(place / "prefect"), "PREFECT_API_URL": api, "DO_NOT_TRACK": "1"}
    own |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_WORKER_QUERY_SECONDS": "1"}
    environment = {**kept, **own}
    words = ("server", "start", "--no-ui", "--port", str(port))
    with started(*words, environment=environment):
        deadline = time.monotonic() + PATIENCE
        while not _is_healthy(api):
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.5)
        yield api, environment


def _is_healthy(api: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{api}/health", timeout=5).is_success
    return False


@contextmanager
def started(*words: str, environment: dict[str, str]) -> Iterator[None]:
    """A `prefect` command that goes on until it is ended, with all that it has started."""
    process = psutil.Popen(
        [str(_BIN / "prefect"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        yield
    finally:
        for each in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
