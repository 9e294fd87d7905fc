"""What a disk reports as an error, as a sentence with the path and what to do."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DamageError, StoreError

_LOG = logging.getLogger("storage.folders")

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A read-only disk, missing permission, or a file where a folder should be.
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def told(done: str, path: Path) -> Iterator[None]:
    """Raise what a disk reports as a sentence: `path` could not be `done`; FileNotFoundError stays."""
    try:
        yield
        _LOG.debug("%s: %s", done, path)
    except FileNotFoundError:
        if path.is_symlink():
            raise DamageError(f"{path} is a link that leads nowhere; remove it") from None
        raise
    except NotADirectoryError:
        raise FileNotFoundError(errno.ENOENT, "no such file", str(path)) from None
    except IsADirectoryError:
        raise DamageError(f"{path} is a folder where a file should be; remove it") from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise DamageError(f"{path} is not a regular file; remove it") from None
        place = error.filename or path
        remedy = (
            "change its permissions, or run this as its owner"
            if error.errno in (errno.EACCES, errno.EPERM)
            else "check the disk, then run the same command again"
        )
        raise StoreError(f"{place} could not be {done} ({error.strerror}): {remedy}") from error


def not_written(target: Path, num_bytes: int, error: OSError) -> Exception:
    """A full disk or a lost right as a sentence about the file; any other error stays as it is."""
    if error.errno in FULL:
        return StoreError(
            f"the disk is full: {target} ({num_bytes:,} bytes) could not be written; nothing "
            "was left half-written: free some space and run the same command again"
        )
    if error.errno in _FORBIDDEN:
        return StoreError(
            f"{target} may not be written ({error.strerror}); nothing was left half-written: "
            "choose another place, or change its permissions"
        )
    return error
