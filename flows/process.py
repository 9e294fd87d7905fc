"""Identifies a process, so that another one can tell later whether it's still alive."""

import os
import platform
from contextlib import suppress

import psutil


def identity() -> str:
    """Its number, and the second in which it was started."""
    process = psutil.Process()
    return f"{process.pid}:{process.create_time():.0f}"


def place_of_processes() -> tuple[str, str]:
    """The machine's name, and the namespace of its processes: containers may share the one, not the other."""
    with suppress(OSError):
        return platform.node(), os.readlink("/proc/self/ns/pid")
    return platform.node(), ""


def is_alive(owner: str) -> bool:
    """Whether the process of that identity runs on this machine."""
    number, _, started = owner.partition(":")
    try:
        process = psutil.Process(int(number))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # A corrected clock moves the start of every process by a little.
        return abs(process.create_time() - float(started)) < 5
    except (psutil.NoSuchProcess, ValueError):
        return False


def is_stopped(owner: str) -> bool:
    """Whether that process lives and does nothing until a SIGCONT."""
    number = owner.partition(":")[0]
    with suppress(psutil.NoSuchProcess, ValueError):
        return is_alive(owner) and psutil.Process(int(number)).status() == psutil.STATUS_STOPPED
    return False
