"""A training that is asked to stop: by a signal to the command or the worker, or on Prefect's page."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from faults.commands import kdm, start
from local_prefect import BIN, LocalPrefect

SECONDS = 10  # within which a training has left a checkpoint and ended
# Some seconds of steps, so that they can be stopped in the midst.
LONG = ("--set", "students.kdm.training.num_steps=3000")
STUDENT, CHECKPOINTS = "students/kdm-*", "students/kdm-*/checkpoints/*.json"


def train(home: Path) -> list[str]:
    """The command that trains the student."""
    return [*kdm(home, *LONG), "--until", "distill"]


@dataclass(frozen=True)
class Trainee:
    """A process that trains, with everything that it has started."""

    home: Path
    process: psutil.Process  # of the command, or of the flow run
    family: list[psutil.Process]
    groups: set[int]

    @classmethod
    def of(cls, home: Path, process: psutil.Process) -> "Trainee":
        """Once it has left its first checkpoint."""
        wait_until(lambda: any(home.glob(CHECKPOINTS)), seconds=240)
        family = [process, *process.children(recursive=True)]
        return cls(home, process, family, {os.getpgid(each.pid) for each in family})

    def seconds_until_gone(self, since: float, most: float) -> float:
        """Seconds until all of it has ended; `most` if it hasn't by then."""
        while time.monotonic() - since < most:
            if not any(map(lives, self.family)):
                return time.monotonic() - since
            time.sleep(0.02)
        return most

    def left_behind(self) -> list[int]:
        """Processes of its groups that live on."""
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                if os.getpgid(each.pid) in self.groups and lives(each):
                    found.append(each.pid)
        return found


def lives(process: psutil.Process) -> bool:
    """Whether it's neither gone nor waiting to be asked how it ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    return False


def faults_of(trainee: Trainee, promised: float = SECONDS) -> list[str]:
    """What isn't as promised of a training that has just been asked to stop."""
    seconds = trainee.seconds_until_gone(time.monotonic(), 3 * promised)
    faults = [] if seconds <= promised else [f"it took {seconds:.1f} s"]
    faults += [f"process {each} is left" for each in trainee.left_behind()]
    if list(trainee.home.glob(f"{STUDENT}/config.json")):
        return [*faults, "it had ended by itself"]
    if not list(trainee.home.glob(CHECKPOINTS)):
        faults.append("no checkpoint is left")
    return faults


@contextmanager
def command(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a terminal of its own."""
    process = start(train(home))
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@dataclass(frozen=True)
class FlowRun:
    """A run of the deployment `distill` that a worker of its own has taken."""

    number: str
    worker: psutil.Popen
    process: psutil.Process


@contextmanager
def flow_run(prefect: LocalPrefect, home: Path) -> Iterator[FlowRun]:
    """Wait until the run's process is there; in the end nothing of worker and run is left."""
    words = [str(BIN / "prefect"), "worker", "start", "--pool", "local"]
    with (home.parent / f"{home.name}.log").open("wb") as log:
        worker = psutil.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.parent,
            env=prefect.environment(),
            start_new_session=True,
            # As in a terminal or a container; a shell's `&` leaves it ignored, and Prefect's worker needs it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    override = [LONG[1]]
    number = prefect.run("distill", recipe="tiny", home=str(home), device="cpu", overrides=override)
    family = [worker]
    try:
        wait_until(lambda: _engines(worker) != [], seconds=240)
        (process,) = _engines(worker)
        yield FlowRun(number, worker, process)
        family += worker.children(recursive=True) if lives(worker) else []
    finally:
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        worker.wait()


def _engines(worker: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [each for each in worker.children(recursive=True) if "prefect.engine" in _line(each)]
    return []


def _line(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> None:
    """As `wait_for`, but looks often: a training may soon be over."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"it is not so after {seconds} s"
        time.sleep(0.02)
