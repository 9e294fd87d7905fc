"""Everything hostile, handed over in a process and a folder of its own: what came of it, and its costs.

A script of the tests says what is attempted (`tell`), a test runs it (`refused_by`).
"""

import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StoreError

# That refusing one, and refusing all in a process, may take. The longest, a manifest as large as is read,
# takes .7 s to 1.1 s by the processor; what is quadratic in such a length would take hours.
SECONDS, BYTES = 5, 400_000_000
_IMPORTED = {"torch", "subprocess", "antigravity", "runpy"}


@dataclass(frozen=True)
class Refused:
    """What came of each attempt, and of the process."""

    refusals: dict[str, str]  # empty where nothing was refused
    seconds: dict[str, float]
    peak_bytes: int
    imported: list[str]  # of what a hostile file would bring in
    left_behind: list[str]  # new files, seen from the process's folder


def refused_by(script: Path, outside: Path, *arguments: str) -> Refused:
    """The script's answers, from two empty folders deep below `outside`, so that a climb out is seen."""
    import subprocess  # here, so that the process itself can tell whether a file has brought it

    before, inside = _files(outside), outside / "a" / "b"
    inside.mkdir(parents=True)
    command = [sys.executable, str(script), *arguments]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(
        command, cwd=inside, env=env, check=True, capture_output=True, timeout=300
    )
    left = sorted(os.path.relpath(file, inside) for file in _files(outside) - before)
    return Refused(**json.loads(ended.stdout), left_behind=left)


def tell(attempts: Iterable[tuple[str, Callable[[], object]]]) -> None:
    """Attempt each, then print what `refused_by` reads."""
    refusals, seconds = {}, {}
    for name, attempt in attempts:
        start = time.process_time()
        refusals[name] = _refusal(attempt)
        seconds[name] = time.process_time() - start
    # Not ru_maxrss: a child's begins at what its parent had.
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    imported = sorted(_IMPORTED & set(sys.modules))
    found = {"refusals": refusals, "seconds": seconds, "peak_bytes": peak, "imported": imported}
    print(json.dumps(found))


@contextmanager
def bounded() -> Iterator[None]:
    """Processor time, because the machine may be busy; memory as Python and numpy ask for it."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        yield
        seconds, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < BYTES


def _refusal(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (ValueError, StoreError) as error:
        return str(error)
    return ""


def _files(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}
