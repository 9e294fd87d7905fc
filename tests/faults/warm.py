"""The command `kdm` in a process of its own, forked with everything imported: CPU seconds less each time.

Python's fork server has imported the command once. What it forks leads a session of its own, has the
environment and the pipe that it's given, runs the entry point of `kdm` with its arguments, and can be
killed as any other process. Campaigns start the real command (`faults.commands`).
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import DupFd
from typing import IO, Any

# What a run imports sooner or later, but for Prefect. Names of installed packages: the fork server doesn't
# look where tests lie, and passes over what it doesn't find.
_PRELOADED = [
    "flows.cli",
    "flows.commands.run",
    "flows.documents.content",
    "flows.generation.engines",
    "flows.generation.make_missing",
    "flows.orchestration.direct",
    "flows.stages.child",
    "flows.stages.evaluate",
    "flows.stages.train_teacher",
    "kdm.evaluate.evaluate",
    "kdm.report.page",
    "storage.store",
]


class Warm:
    """As much of `subprocess.Popen` as tests ask of a command: text from one pipe of stdout and stderr."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], cwd: str | None = None
    ) -> None:
        self.args = list(arguments)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        ours, theirs = os.pipe()
        self._process = context.Process(
            target=_Command(self.args, dict(environment), cwd or os.getcwd(), theirs)
        )
        try:
            self._process.start()
        finally:
            os.close(theirs)
        self.pid = int(self._process.pid or 0)
        self.stdout: IO[str] = os.fdopen(ours, encoding="utf-8", errors="replace")

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """All that it says, children that it leaves behind included, until nobody can say more."""
        began, said = time.monotonic(), []
        descriptor = self.stdout.fileno()
        os.set_blocking(descriptor, False)
        while True:
            try:
                data = os.read(descriptor, 2**16)
            except BlockingIOError:
                if timeout is not None and time.monotonic() - began > timeout:
                    raise subprocess.TimeoutExpired(self.args, timeout) from None
                time.sleep(0.01)
                continue
            if not data:
                break
            said.append(data)
        self.wait(timeout)
        self.stdout.close()
        return b"".join(said).decode("utf-8", "replace"), None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class _Command:
    """What the forked process does; it's pickled to get there, and its pipe with it."""

    def __init__(
        self, arguments: list[str], environment: dict[str, str], cwd: str, pipe: int
    ) -> None:
        self.arguments, self.environment, self.cwd, self.pipe = arguments, environment, cwd, pipe

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "pipe": DupFd(self.pipe)}

    def __call__(self) -> None:
        self._become()
        from flows.start import main

        try:
            main()
        finally:
            atexit._run_exitfuncs()

    def _become(self) -> None:
        """Session, streams, environment and arguments, as of a command that a shell has started."""
        os.setsid()
        pipe: Any = self.pipe  # here it's what stands for the descriptor
        descriptor = pipe.detach()
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        os.close(descriptor)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
        os.chdir(self.cwd)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv = self.arguments
        sys.path[1:1] = filter(None, self.environment.get("PYTHONPATH", "").split(os.pathsep))
