"""The demo as a user has it: first run, second run, second run without Prefect.

Wall seconds, CPU seconds of all processes, and the peak of the memory that the command and all its
descendants hold together, looked at ten times a second at first and every other second later: what each
has written, and once what they share, the pages of libraries (of which a sum of resident sizes counts one
for each process). Needs a quiet machine.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

RECIPE = os.environ.get("KDM_BENCH_RECIPE", "checkerboard")


class Cost(NamedTuple):
    """What a command took."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def table() -> Iterator[str]:
    yield f"| `kdm run {RECIPE}` | wall s | CPU s | peak memory, MiB |"
    yield "|---|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as temporary:
        home = os.environ.get("KDM_BENCH_HOME", temporary)
        for name, options in (
            ("first run", []),
            ("second run", []),
            ("second run, `--direct`", ["--direct"]),
        ):
            cost = _cost(["run", RECIPE, "--home", home, *options])
            yield (
                f"| {name} | {cost.wall_seconds:.1f} | {cost.cpu_seconds:.1f} "
                f"| {cost.peak_bytes / 2**20:.0f} |"
            )


def _cost(arguments: list[str]) -> Cost:
    command = [str(Path(sys.executable).parent / "kdm"), *arguments]
    started, peak = time.monotonic(), 0
    cpu: dict[int, float] = {}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while child.poll() is None:
        peak = max(peak, _sample(child.pid, cpu))
        with contextlib.suppress(subprocess.TimeoutExpired):
            # A look takes hundredths of a second of a core: seldom in a long run.
            child.wait(min(2.0, 0.1 + 0.05 * (time.monotonic() - started)))
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {child.returncode}")
    return Cost(time.monotonic() - started, sum(cpu.values()), peak)


def _sample(pid: int, cpu: dict[int, float]) -> int:
    """Bytes that a process and its descendants hold; keeps each one's CPU time so far."""
    own, shared = 0, Counter[str]()
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            written, of_files = _held(process)
            times = process.cpu_times()
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            continue
        own, shared = own + written, shared | of_files
        cpu[process.pid] = times.user + times.system
    return own + shared.total()


def _held(process: psutil.Process) -> tuple[int, Counter[str]]:
    """Bytes that a process alone holds, and by file those that it could share with others."""
    own, of_files = 0, Counter[str]()
    for each in process.memory_maps(grouped=True):
        unchanged = each.shared_clean + each.private_clean if each.path.startswith("/") else 0
        own += each.rss - unchanged
        of_files[each.path] += unchanged
    return own, of_files
