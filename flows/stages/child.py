"""Training as a child process in a separate group, so that a kill reaches all of it or none.

Ranks have their own process groups; each ends itself when its parent is gone.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flows.child_process import started, stop
from flows.exit import TrainingFailedError
from flows.lane import reached_by_stop, require_going_on
from flows.progress import Meter, unsaid
from flows.ranks import ALONE, Ranks
from storage.folders import Folder

# After a request to stop, a child writes a checkpoint first: ten seconds, and some slack.
GRACE_SECONDS = 20
# Exit codes of `python -m kdm.training`.
USER_ERROR = 2
_NUM_LINES_KEPT = 20


def run_training(
    job: dict[str, Any],
    folder: Folder,
    meter: Meter,
    *,
    say: Callable[[str], None] = unsaid,
    ranks: Ranks = ALONE,
) -> None:
    """Run `python -m kdm.training job.json` to its end, passing on its progress and its notices.

    Several ranks are started by torchrun (kdm/training/launch.py).

    Raises a ValueError if the child refuses its job, `TrainingFailedError` otherwise; a signal
    to this process stops the child after a checkpoint.
    """
    folder.replace("job.json", (json.dumps(job, indent=1, sort_keys=True) + "\n").encode())
    said: deque[str] = deque(maxlen=_NUM_LINES_KEPT)
    with _child(_command(f"{folder.url}/job.json", ranks)) as child:
        assert child.stdout is not None  # it was opened as a pipe
        for line in child.stdout:
            report = _as_report(line)
            if "step" in report:
                meter.at(report["step"], _note(report))
            elif "notice" in report:
                say(str(report["notice"]))
            else:
                said.append(line.rstrip())
        code = child.wait()
    if code == 0:
        return
    require_going_on()  # the child ended because it was asked to
    last = "\n".join(said) or "it said nothing"
    if code == USER_ERROR:
        raise ValueError(said[-1] if said else "training refused its job")
    raise TrainingFailedError(
        f"training in {folder.url} ended with exit code {code}; run the same command again to "
        f"resume from its last checkpoint. Its last words:\n{last}"
    )


def _command(job: str, ranks: Ranks) -> list[str]:
    parent, python = str(os.getpid()), [sys.executable, "-P", "-m"]
    if ranks.num == 1:
        return [*python, "kdm.training", job, parent]
    command = [*python, "kdm.training.launch", job, str(ranks.num_here), parent]
    return command if ranks.num_nodes == 1 else [*command, str(ranks.num_nodes), ranks.rendezvous]


@contextmanager
def _child(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    require_going_on()
    child = started(command)
    try:
        with reached_by_stop(child):
            yield child
    finally:
        stop(child, GRACE_SECONDS)
        if child.stdout is not None:
            child.stdout.close()


def _as_report(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        report = json.loads(line)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def _note(progress: dict[str, Any]) -> str:
    losses = [f"{name} {value:.3g}" for name, value in progress.get("losses", {}).items()]
    return "  ".join([f"{progress.get('samples_per_second', 0):,.0f} samples/s", *losses])
