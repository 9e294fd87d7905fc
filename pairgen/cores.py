"""How many cores there are, asked without torch."""

import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def num_cores() -> int:
    """Cores that this process may use: those of its affinity, or as many as a container's quota pays for."""
    num, quota = _num_allowed(), cpu_quota()
    return num if quota is None else max(1, min(num, int(quota)))


def _num_allowed() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(groups: Path = _GROUPS, own_groups: Path = _OWN_GROUPS) -> float | None:
    """CPU seconds a second that Linux's control groups leave to this process; None if they don't limit it.

    A group's ancestors limit it too. `groups` is where they are mounted, `own_groups` the file that lists
    those of the process. Reads the files of versions 1 and 2 (man 7 cgroups).
    """
    quotas = [_quota(folder) for folder in _folders(groups, own_groups)]
    return min((each for each in quotas if each is not None), default=None)


def _folders(groups: Path, own_groups: Path) -> Iterator[Path]:
    """A group's folder and those above it: a line is NUMBER:CONTROLLERS:PATH, without names in version 2."""
    yield groups  # in a container its own group may be there, whatever its path outside
    yield groups / "cpu"
    for line in _text(own_groups).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        folder = groups / "cpu" if controllers else groups
        for part in path.strip("/").split("/"):
            folder = folder / part
            yield folder


def _quota(folder: Path) -> float | None:
    """Of one group; `max` and -1 stand for no limit."""
    words = _text(folder / "cpu.max").split()
    if not words:
        words = [_text(folder / f"cpu.cfs_{each}_us").strip() for each in ("quota", "period")]
    if len(words) != 2 or not all(each.isdecimal() and int(each) for each in words):
        return None
    return int(words[0]) / int(words[1])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError:
        return ""
