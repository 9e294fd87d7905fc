"""Trials side by side: a child process each, so many at a time, each with one thread.

Whatever ends this process, finished trials stay and an unfinished one resumes from its checkpoint: a
trial is made by the same stages as `kdm run`. Children end with this process.
"""

import json
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from subprocess import PIPE
from typing import Any

from flows.child_process import started, stop
from flows.exit import TrainingFailedError
from flows.json_lines import error_of
from flows.stages.child import GRACE_SECONDS
from flows.study.trials import Plan, Trial
from storage.errors import StoreError
from storage.plugins import describe

_ONE_THREAD = {"OMP_NUM_THREADS": "1"}
_USER_ERROR = 2


class Children:
    """The child processes that are at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[Any] = []
        self._is_over = False

    def begin(self, job: str) -> Any:
        """A child with its job; None once all are being stopped."""
        with self._lock:
            if self._is_over:
                return None
            command = [sys.executable, "-P", "-m", "flows.study.trial_child"]
            child = started(command, stdin=PIPE, more={} if _has_gpu(job) else _ONE_THREAD)
            self._running.append(child)
        assert child.stdin is not None  # it was opened as a pipe
        child.stdin.write(job + "\n")
        child.stdin.flush()
        return child

    def end(self, child: Any) -> None:
        """Forget a child that has ended."""
        with self._lock:
            self._running.remove(child)

    def stop(self) -> None:
        """End all of them, and let no other begin."""
        with self._lock:
            self._is_over, running = True, list(self._running)
        for child in running:
            stop(child, GRACE_SECONDS)


def run_side_by_side(
    plan: Plan,
    trials: Sequence[Trial],
    *,
    num_jobs: int,
    on_message: Callable[[Trial, dict[str, Any]], None],
) -> None:
    """Make the trials; `on_message` hears each child's lines. The first error stops the others."""
    children = Children()
    with ThreadPoolExecutor(num_jobs) as pool:
        futures = [pool.submit(_made, plan, trial, children, on_message) for trial in trials]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            children.stop()
            raise


def _made(
    plan: Plan,
    trial: Trial,
    children: Children,
    on_message: Callable[[Trial, dict[str, Any]], None],
) -> None:
    child = children.begin(json.dumps(_job(plan, trial)))
    if child is None:
        return
    error: Exception | None = None
    said = ""
    try:
        for line in child.stdout:
            message = _read(line)
            if "error" in message:
                error = error_of(message)
            elif message:
                on_message(trial, message)
            else:
                said = line.strip() or said
        code = child.wait()
    finally:
        children.end(child)
        child.stdin.close()
        child.stdout.close()
    if error is not None:
        kind = type(error) if code == _USER_ERROR else TrainingFailedError
        raise kind(f"{trial.name}: {error}")
    if code:
        raise StoreError(
            f"{trial.name}: its process ended with exit code {code} ({said or 'it said nothing'}); "
            "run the same "
            "command again to resume"
        )


def _job(plan: Plan, trial: Trial) -> dict[str, Any]:
    return {
        "recipe": trial.recipe.document(),
        "asked": trial.asked.model_dump(mode="json"),
        "home": plan.home.url,
        "device": plan.device,
        "analysis": None if plan.analysis is None else describe(plan.analysis),
    }


def _read(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _has_gpu(job: str) -> bool:
    return bool(json.loads(job)["device"] == "cuda")
