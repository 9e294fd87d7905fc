"""A command in a process of its own: wall time, CPU time and peak memory, its children's with it."""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """What a command took, and what it said on stdout."""

    step: str
    wall: float  # s
    cpu: float  # s
    peak_gib: float
    said: str


def measured(step: str, command: list[str]) -> Measured:
    """Run a command to its end; an AssertionError with its last words where that is not 0."""
    started = time.perf_counter()
    text = partial(tempfile.TemporaryFile, "w+", encoding="utf-8")
    with text() as said, text() as told:
        process = subprocess.Popen(command, stdout=said, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # nobody waits for it again
        wall = time.perf_counter() - started
        said.seek(0)
        told.seek(0)
        assert process.returncode == 0, f"{command} ended with {status}: {told.read()[-2000:]}"
        cpu, peak_gib = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
        return Measured(step, wall, cpu, peak_gib, said.read())


def kdm(*arguments: str) -> list[str]:
    """The command as a user gives it."""
    return [str(Path(sys.executable).with_name("kdm")), *arguments]


def python(call: str, *arguments: str) -> list[str]:
    """`MODULE.FUNCTION` of this folder with these strings, in a new process."""
    code = "import sys, importlib; module, name = sys.argv[1].split('.'); "
    code += "getattr(importlib.import_module('benchmarks.' + module), name)(*sys.argv[2:])"
    return [sys.executable, "-c", code, call, *arguments]
