"""kill -9 of a run where the automation of `kdm deploy --automations` is: Crashed; one that lives is not."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import kill_tree
from local_prefect import BIN, LocalPrefect, wait_for

from flows.orchestration.automations import crash_silent_runs

pytestmark = pytest.mark.faults

OFTEN = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}  # seconds, the least that Prefect takes
SILENCE = timedelta(seconds=75)
MANY = ("--count", "20000000")  # more pairs than the test waits for


def test_a_killed_run_is_crashed_and_a_slow_one_is_not(finished: Finished, tmp_path: Path) -> None:
    prefect = LocalPrefect(tmp_path)
    prefect.start()
    try:
        with prefect.asked() as client:
            crash_silent_runs(client, SILENCE)
        homes = [finished.copy(tmp_path / name, "pairs") for name in ("killed", "slow")]
        with generating(prefect, homes[0]) as killed, generating(prefect, homes[1]) as slow:
            runs = [run_at(prefect, home) for home in homes]
            kill_tree(killed)
            wait_for(lambda: prefect.state_of(runs[0]) == "CRASHED", seconds=240)
            time.sleep(2 * SILENCE.total_seconds())
            assert prefect.state_of(runs[1]) == "RUNNING"
            slow.terminate()
            slow.communicate(timeout=60)
    finally:
        prefect.kill()


@contextmanager
def generating(prefect: LocalPrefect, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that makes pairs for longer than the test lasts."""
    words = ["generate-pairs", "tiny", "--device", "cpu", *MANY, "--home", str(home)]
    command = subprocess.Popen(
        [str(BIN / "kdm"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=prefect.environment(**OFTEN),
    )
    try:
        yield command
    finally:
        if command.poll() is None:
            kill_tree(command)


def run_at(prefect: LocalPrefect, home: Path) -> str:
    """The run of this home, once it has given a sign of life."""
    name = f"generate-pairs tiny in {home}"

    def found() -> list[str]:
        return [each["id"] for each in prefect.ask("flow_runs") if each["name"] == name]

    wait_for(lambda: bool(found()), seconds=120)
    (run,) = found()
    wait_for(
        lambda: bool(prefect.events("prefect.flow-run.heartbeat", f"flow-run.{run}")), seconds=60
    )
    return run
