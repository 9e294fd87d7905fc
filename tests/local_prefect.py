"""A real Prefect server on loopback with a database of its own, its command line, and a worker."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from faults.commands import KDM, start
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.orchestration.configured_server import configured_server

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
# Loops of the server that find nothing to do here.
UNNEEDED = ("CANCELLATION_CLEANUP", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "REPOSSESSOR")
QUIET_AND_QUICK = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": "2",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    **{f"PREFECT_SERVER_SERVICES_{each}_ENABLED": "false" for each in UNNEEDED},
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "OMP_NUM_THREADS": "1",
}


class LocalPrefect:
    """A server, and what asks it."""

    def __init__(self, home: Path, settings: Mapping[str, str] = QUIET_AND_QUICK) -> None:
        self.home, self.settings = home, settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.api = f"http://127.0.0.1:{self.port}/api"
        # One client: to make the next one takes fifty milliseconds, and a test asks twice a second.
        self.client = httpx.Client(base_url=self.api, trust_env=False, timeout=30)
        self.server: psutil.Popen | None = None
        self.of_server: dict[str, str] = {}  # its environment alone

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes are started with; nothing of the user's Prefect or home."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "KDM_"))}
        mine = {"PREFECT_HOME": str(self.home), "PREFECT_API_URL": self.api}
        return {**kept, **self.settings, **mine, **more}

    def start(self) -> None:
        """Start the server and wait until it answers."""
        words = ["server", "start", "--no-ui", "--host", "127.0.0.1", "--port", str(self.port)]
        self.server = self.background("prefect", *words, **self.of_server)
        wait_for(self.is_healthy, seconds=300)

    def is_healthy(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self.client.get("/health", timeout=5).is_success
        return False

    def kill(self) -> None:
        """kill -9 of the server, if it runs."""
        if self.server is not None and self.server.is_running():
            self.server.kill()
            self.server.wait()

    def background(self, command: str, *words: str, **environment: str) -> psutil.Popen:
        """A command that goes on; its words go to a file beside the database."""
        with (self.home / f"{command}-{words[0]}.log").open("ab") as log:
            return psutil.Popen(
                [str(BIN / command), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self.environment(**environment),
            )

    def run(self, flow: str, **parameters: Any) -> str:
        """Ask for a run of a flow's deployment; the run's id."""
        deployment = self.client.get(f"/deployments/name/{flow}/default").raise_for_status().json()
        url = f"/deployments/{deployment['id']}/create_flow_run"
        asked = {"parameters": parameters}
        return str(self.client.post(url, json=asked).raise_for_status().json()["id"])

    def made_run(self, state: str, *tags: str) -> str:
        """A run of a flow `pipeline` in that state, which nobody has started; its id."""
        flow = self.client.post("/flows/", json={"name": "pipeline"}).raise_for_status().json()
        asked = {"flow_id": flow["id"], "tags": tags, "state": {"type": state}}
        return str(self.client.post("/flow_runs/", json=asked).raise_for_status().json()["id"])

    def sign_of_life(self, run: str, *tags: str) -> None:
        """What the process of a flow run with these tags says every three minutes."""
        event = {
            "id": str(uuid4()),
            "event": "prefect.flow-run.heartbeat",
            "occurred": datetime.now(UTC).isoformat(),
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
            "related": [
                {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
                for tag in tags
            ],
        }
        self.client.post("/events", json=[event]).raise_for_status()

    @contextmanager
    def asked(self) -> Iterator[SyncPrefectClient]:
        """What a command asks it with."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            with temporary_settings({PREFECT_API_URL: self.api}), configured_server() as client:
                yield client

    def state_of(self, run: str) -> str:
        """As the server knows it: 'SCHEDULED', 'COMPLETED' …"""
        state = self.client.get(f"/flow_runs/{run}").raise_for_status().json()["state"]
        return str(state["type"])

    def set_state(self, run: str, kind: str, name: str) -> None:
        """Put a run into a state, as its process does."""
        body = {"state": {"type": kind, "name": name}}
        self.client.post(f"/flow_runs/{run}/set_state", json=body).raise_for_status()

    def events(self, name: str, about: str) -> list[dict[str, Any]]:
        """Events of this name about a flow-run.ID or an automation.ID."""
        wanted = {"filter": {"event": {"name": [name]}}}
        answer = self.client.post("/events/filter", json=wanted).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["events"]
        return [
            each for each in found if each["resource"]["prefect.resource.id"] == f"prefect.{about}"
        ]

    def ask(self, what: str, **body: Any) -> list[dict[str, Any]]:
        """POST /WHAT/filter."""
        answer = self.client.post(f"/{what}/filter", json=body).raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    @contextmanager
    def worker(self, **environment: str) -> Iterator[None]:
        """A worker of the pool `local`. The first SIGTERM only asks it to end, the second ends it."""
        worker = self.background("prefect", "worker", "start", "--pool", "local", **environment)
        try:
            yield
        finally:
            for _ in range(2):
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.terminate()
                with contextlib.suppress(psutil.TimeoutExpired):
                    worker.wait(2)
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
            worker.wait()


def start_kdm(home: Path, environment: dict[str, str], *more: str) -> subprocess.Popen[str]:
    """`kdm run tiny` through Prefect, as this environment has it."""
    words = ["run", "tiny", "--device", "cpu", "--home", str(home), *more]
    return start([KDM, *words], environment)


def wait_for(is_so: Callable[[], bool], *, seconds: float, every: float = 0.5) -> None:
    """Wait until something is so, looking `every` so many seconds; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{is_so.__name__} is not so after {seconds} s"
        time.sleep(every)
