"""Small disks: a tmpfs where this process may mount one, else a limit on the size of a file."""

import contextlib
import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path, num_bytes: int) -> Iterator[Path]:
    """A tmpfs of `num_bytes` at `place`; the test is skipped where it cannot be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    if _mount("-t", "tmpfs", "-o", f"size={num_bytes}", "none", str(place)):
        pytest.skip("a tmpfs may not be mounted here (it takes CAP_SYS_ADMIN)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Change a mounted disk: `size=BYTES`, `ro`."""
    assert _mount("-o", f"remount,{options}", str(place)) == 0


def used_bytes(place: Path) -> int:
    """What a disk holds by now."""
    disk = os.statvfs(place)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize


def no_file_over(num_bytes: int) -> Callable[[], None]:
    """For `preexec_fn`: a file of the command and its children ends there with EFBIG."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, num_bytes))


@contextmanager
def full_at(number: int) -> Iterator[None]:
    """The disk is full at the n-th write in this process, counted from 1."""
    left = [number]
    sound = os.fsync

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sound(handle)

    os.fsync = fsync
    try:
        yield
    finally:
        os.fsync = sound


def _mount(*arguments: str) -> int:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
    return 1
