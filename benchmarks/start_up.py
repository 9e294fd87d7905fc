"""How long `kdm --help` takes beside a bare interpreter: best and median of 9, wall seconds."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "kdm --help": [str(Path(sys.executable).parent / "kdm"), "--help"],
}


def table() -> Iterator[str]:
    yield "| command | best s | median s |"
    yield "|---|---:|---:|"
    for name, command in COMMANDS.items():
        seconds = [_seconds(command) for _ in range(9)]
        yield f"| `{name}` | {min(seconds):.2f} | {statistics.median(seconds):.2f} |"


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
