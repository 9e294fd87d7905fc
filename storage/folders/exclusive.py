"""Moving a finished file to a name that must be free: the first writer wins, and nobody sees half a file.

A hard link does it on most file systems. exFAT, FAT, sshfs and some network drives lack hard links;
there a rename that refuses to replace does the same (renameat2(2), RENAME_NOREPLACE). If a file
system has neither, or ignores them, nothing is written at all.
"""

import ctypes
import errno
import os
from pathlib import Path

from storage.errors import NoExclusiveCreationError

# What link(2) and renameat2(2) return if a file system lacks them: EPERM on FAT and exFAT, ENOTSUP
# on network drives, ENOSYS on FUSE, EMLINK if a file may have only one name; EINVAL for the flag.
_LACKING = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EINVAL)
_AT_FDCWD, _NOREPLACE = -100, 1  # from fcntl.h and linux/fs.h


def move_to_free_name(temporary: Path, target: Path) -> None:
    """Give `temporary` the name `target`; if that is taken, a FileExistsError and no change.

    Raises `NoExclusiveCreationError` if the file system can't do that.
    """
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in _LACKING:
            raise
        _rename_to_free_name(temporary, target, because=error)


def require_exclusive_creation(first: Path, second: Path, target: Path) -> None:
    """Raise `NoExclusiveCreationError` if a second new file can take the name of the first.

    The three are in one folder and the caller's to remove.
    """
    first.touch()
    second.touch()
    move_to_free_name(first, target)
    try:
        move_to_free_name(second, target)
    except FileExistsError:
        return
    raise NoExclusiveCreationError(
        f"{target.parent} lies on a file system that replaces a file which was to be created only if "
        "its name is free, so two writers would undo each other's work: choose a --home on another disk"
    )


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder, if the file system supports that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Several network drives flush files only; their names reach the server as they are given.
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _rename_to_free_name(temporary: Path, target: Path, *, because: OSError) -> None:
    number = _renameat2(temporary, target)
    if number == 0:
        return
    if number in _LACKING:
        raise NoExclusiveCreationError(
            f"{target.parent} lies on a file system with neither hard links ({because.strerror}) nor "
            f"renames that refuse to replace ({os.strerror(number)}), so two writers could undo each "
            "other's work: choose a --home on a local disk (and copy it over afterwards), or the "
            "storage's own URL, such as gs://BUCKET/kdm"
        ) from because
    raise OSError(number, os.strerror(number), str(target))


def _renameat2(temporary: Path, target: Path) -> int:
    """0, or the error's number."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:  # not Linux, or a C library older than 2018
        return errno.ENOSYS
    names = (_AT_FDCWD, os.fsencode(temporary), _AT_FDCWD, os.fsencode(target))
    return 0 if call(*names, _NOREPLACE) == 0 else ctypes.get_errno()
