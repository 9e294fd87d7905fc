"""`python -m kdm.training.launch JOB.json RANKS PARENT [NODES HOST:PORT]`: one training by several processes.

It is torchrun with the exit codes and messages of `python -m kdm.training`, and it ends when its parent
does. With NODES it is started once on each of so many machines, which meet at HOST:PORT; RANKS are those
of this machine.
"""

import hashlib
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from kdm.training.__main__ import BROKE_DOWN, RANK_LOST, USER_ERROR
from kdm.training.child_environment import child_environment
from kdm.training.stop import TERMINATED
from storage.startup import many_imports, replace_what_cannot_be_said

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

# Exit codes of ranks that end because another did: it has left, or torchrun ends them.
_FOLLOWING = (RANK_LOST, TERMINATED, -signal.SIGTERM)
_LOOK_EVERY = 0.2  # seconds between two looks at ranks and parent
# Ranks of one machine talk over its loopback interface alone.
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_SETTINGS = {
    # torchrun warns if this isn't set; each rank takes training.num_threads.
    "OMP_NUM_THREADS": "1",
    # Seconds until a rank that got a request to stop is killed; it promises to leave within ten.
    "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "12",
}


def main(arguments: list[str]) -> int:
    """Train the job with so many ranks; the exit code (see `kdm.training.__main__`)."""
    replace_what_cannot_be_said()
    if len(arguments) not in (3, 5) or not all(each.isdigit() for each in arguments[1:4]):
        usage = "usage: python -m kdm.training.launch JOB.json RANKS PARENT [NODES HOST:PORT]"
        return _say(usage, USER_ERROR)
    parent = int(arguments[2])
    nodes, meeting_place = (int(arguments[3]), arguments[4]) if len(arguments) == 5 else (1, "")
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    logging.disable()  # torchrun's reports of how ranks ended: `_code_of` says what matters
    _be_nobodys_rank()
    if nodes == 1 or meeting_place.startswith(("127.", "localhost")):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    options = ["--standalone"]
    if nodes > 1:
        # The place of the training is its name, so that two trainings at one meeting place don't mix.
        identity = hashlib.sha256(arguments[0].encode()).hexdigest()[:16]
        options = [f"--nnodes={nodes}", "--rdzv-backend=c10d", f"--rdzv-endpoint={meeting_place}"]
        options.append(f"--rdzv-id={identity}")
    return _run(arguments[0], int(arguments[1]), options)


def _be_nobodys_rank() -> None:
    """Remove from this process's environment the place that a launcher has given to it."""
    # torchrun takes its options from the environment too (PET_…), and hands the rest to its ranks.
    kept = child_environment()
    for name in os.environ.keys() - kept.keys():
        del os.environ[name]
    os.environ.update(kept)


def _run(job: str, num_ranks: int, options: list[str]) -> int:
    """Start the ranks, wait for all of them, and give the exit code of the training."""
    with many_imports():
        from torch.distributed.elastic.multiprocessing import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.run import parse_args, run

    options = [*options, f"--nproc-per-node={num_ranks}", f"--monitor-interval={_LOOK_EVERY}"]
    try:
        arguments = parse_args([*options, "-m", "kdm.training", job, str(os.getpid())])  # type: ignore[no-untyped-call]
        run(arguments)  # type: ignore[no-untyped-call]
    except SignalException:
        return TERMINATED
    except ChildFailedError as error:
        return _code_of(error)
    return 0


def _code_of(error: "ChildFailedError") -> int:
    """The exit code of the rank that failed first, not of those that ended because it had.

    A killed rank couldn't write a message, so it is written here.
    """
    failures = {rank: failure.exitcode for rank, failure in error.failures.items()}
    rank, code = min(failures.items(), key=lambda each: (each[1] in _FOLLOWING, each[1]))
    if code == RANK_LOST:
        return BROKE_DOWN
    if code >= 0:
        return code
    return _say(
        f"rank {rank} was ended by {signal.Signals(-code).name}, and training with it; the same command "
        "continues from the last checkpoint",
        BROKE_DOWN,
    )


def _leave_with(parent: int) -> None:
    """Send SIGTERM to this process once its parent has died."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # torch takes a second to shut down
