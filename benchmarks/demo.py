"""The demo as a user has it: first run, second run, second run without Prefect.

Wall seconds, CPU seconds of all processes, and the peak of the summed resident memory (sampled five
times a second over the command and all its descendants). Needs a quiet machine.
"""

import os
import subprocess
import sys
import tempfile
import time
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
        time.sleep(0.2)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {child.returncode}")
    return Cost(time.monotonic() - started, sum(cpu.values()), peak)


def _sample(pid: int, cpu: dict[int, float]) -> int:
    """Resident bytes of a process and its descendants; keeps each one's CPU time so far."""
    resident = 0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            resident += process.memory_info().rss
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        cpu[process.pid] = times.user + times.system
    return resident
