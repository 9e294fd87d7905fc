"""A run while Prefect's server, or the PostgreSQL behind it, is killed, stopped or started again."""

import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from faults.commands import finish
from faults.digests import digests_of, temporary_files
from faults.postgres import Postgres
from local_prefect import BIN, LocalPrefect, start_kdm, wait_for

MOST_AFTER = 120  # seconds that a process may take once its data are complete
_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass
class Trouble:
    """What happens to the server in the middle of a run, at an instant that a seed chooses."""

    kind: str
    prefect: LocalPrefect
    postgres: Postgres | None
    chosen: random.Random
    events: list[str] = field(default_factory=list)

    def happen(self, seconds: float) -> None:
        """Wait for a while within `seconds`, and let it happen."""
        at = self.chosen.uniform(0, seconds)
        time.sleep(at)
        self.events.append(f"{self.kind} after {at:.1f} s")
        _KINDS[self.kind](self)

    def end(self) -> None:
        """Have everything run again, for the next."""
        if self.prefect.server is not None and self.prefect.server.is_running():
            self.prefect.server.send_signal(signal.SIGCONT)
        if self.postgres is not None:
            self.postgres.kill()
            self.postgres.start()
        self.prefect.kill()
        self.prefect.start()
        if self.kind == "server forgets":
            deploy(self.prefect)

    def gone(self) -> None:
        """The server is killed, for good."""
        self.prefect.kill()

    def back(self) -> None:
        """The server is killed, and started again after some seconds."""
        self.prefect.kill()
        time.sleep(self.chosen.uniform(0, 10))
        self.prefect.start()

    def forgets(self) -> None:
        """The server is killed, its database emptied, and it is started again: it knows of no run."""
        self.prefect.kill()
        if self.postgres is not None:
            self.postgres.empty()
        for file in self.prefect.home.glob("prefect.db*"):
            file.unlink()
        self.prefect.start()

    def hangs(self) -> None:
        """The server is stopped: it takes requests and never answers."""
        assert self.prefect.server is not None
        self.prefect.server.suspend()

    def database_gone(self) -> None:
        """PostgreSQL is killed, for good; the server answers with errors."""
        assert self.postgres is not None
        self.postgres.kill()

    def database_back(self) -> None:
        """PostgreSQL is killed, and started again after some seconds."""
        assert self.postgres is not None
        self.postgres.kill()
        time.sleep(self.chosen.uniform(0, 10))
        self.postgres.start()


_KINDS: dict[str, Callable[[Trouble], None]] = {
    "server gone": Trouble.gone,
    "server back": Trouble.back,
    "server forgets": Trouble.forgets,
    "server hangs": Trouble.hangs,
    "database gone": Trouble.database_gone,
    "database back": Trouble.database_back,
}
OF_SERVER = tuple(kind for kind in _KINDS if kind.startswith("server"))
OF_DATABASE = tuple(kind for kind in _KINDS if kind.startswith("database"))


def deploy(prefect: LocalPrefect) -> None:
    """`kdm deploy`."""
    subprocess.run([str(BIN / "kdm"), "deploy"], check=True, env=prefect.environment())


def faults_of_command(
    home: Path, golden: dict[str, str], trouble: Trouble, pace: float
) -> list[str]:
    """`kdm run` in that trouble: what is wrong with how it ended, or with what it left."""
    running = start_kdm(home, trouble.prefect.environment())
    trouble.happen(pace)
    ended = finish(running, seconds=900)
    wrong = [f"exit code {ended.code}: {ended.said[-400:]}"] if ended.code else []
    if "Traceback" in ended.said:
        wrong.append(f"a traceback: {ended.said[-800:]}")
    return wrong + _faults_of_home(home, golden, trouble)


def faults_of_deployment(
    home: Path, golden: dict[str, str], trouble: Trouble, pace: float
) -> list[str]:
    """The same for a run that a worker has started."""
    with trouble.prefect.worker(KDM_HOME=str(home)):
        run = trouble.prefect.run("pipeline", recipe="tiny", home=str(home), device="cpu")
        wait_for(lambda: trouble.prefect.state_of(run) == "RUNNING", seconds=120)
        (process,) = [each for each in psutil.process_iter() if _is_of(each, run)]
        trouble.happen(pace)
        try:
            process.wait(timeout=900)
        except psutil.TimeoutExpired:
            process.kill()
            return ["the run's process hung for 900 s"]
        return _faults_of_home(home, golden, trouble)


def _is_of(process: psutil.Process, run: str) -> bool:
    try:
        named = process.environ().get("PREFECT__FLOW_RUN_ID") == run
        return named and "prefect.engine" in process.cmdline()
    except psutil.Error:
        return False


def _faults_of_home(home: Path, golden: dict[str, str], trouble: Trouble) -> list[str]:
    ended = time.time()
    found = digests_of(home)
    wrong = sorted(name for name in {*found, *golden} if found.get(name) != golden.get(name))
    wrong += temporary_files(home)
    after = ended - max((home / name).stat().st_mtime for name in found)
    trouble.events.append(f"ended {after:.1f} s after its data were complete")
    return [*wrong, f"{after:.0f} s to end"] if after > MOST_AFTER else wrong
