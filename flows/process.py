"""Which process this is, so that another one can tell later whether it still lives."""

import psutil


def identity() -> str:
    """Its number, and the second in which it was started."""
    process = psutil.Process()
    return f"{process.pid}:{process.create_time():.0f}"


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
