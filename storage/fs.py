"""Every durable byte goes through here: folders on a file system, exclusive creation, atomic replacement.

The rule (STORE.md, 'Writing'): temporary name, flush, re-read and hash, then appear under the final
name whole or not at all. A killed process leaves at most a temporary file, which `sweep` removes.
"""

import contextlib
import errno
import hashlib
import os
import platform
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.errors import StoreError

_TEMPORARY = ".tmp-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A read-only disk, missing permission, or a file where a folder should be.
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)


@dataclass(frozen=True)
class Folder:
    """A folder at an absolute `file://` URL or path; names inside it may contain '/'."""

    path: Path

    @classmethod
    def at(cls, url: str) -> "Folder":
        """The folder at a URL or path, made absolute at once; nothing is created."""
        return cls(_local_path(url))

    @property
    def url(self) -> str:
        """Where it is, absolute, so that another process finds the same place."""
        return str(self.path)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.name

    def __truediv__(self, name: str) -> "Folder":
        return Folder(self.path / name)

    def names(self) -> list[str]:
        """What lies directly inside, sorted, without temporary files; [] where there is no folder."""
        try:
            found = os.listdir(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in found if not name.startswith(_TEMPORARY))

    def exists(self, name: str = "") -> bool:
        """Whether the file or folder `name` is there (without a name: the folder itself)."""
        return (self.path / name).exists()

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return (self.path / name).stat().st_size

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        return (self.path / name).read_bytes()

    def create(self, name: str, data: bytes) -> bool:
        """Write a new file; False, and nothing written, where one of that name exists."""
        target = self.path / name
        if target.exists():
            return False
        with self._written(target, data) as temporary:
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in place of what may be there: readers see the old one or the new one."""
        target = self.path / name
        with self._written(target, data) as temporary:
            os.replace(temporary, target)

    def remove(self, name: str) -> None:
        """Remove a file or a whole folder; nothing happens where there is none."""
        target = self.path / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def num_bytes(self) -> int:
        """Bytes of all files below."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def require_space(self, num_bytes: int, purpose: str) -> None:
        """Raise a `StoreError` before any work where `num_bytes` do not fit on the disk."""
        parent = next(place for place in [self.path, *self.path.parents] if place.exists())
        free = shutil.disk_usage(parent).free
        if num_bytes > free:
            raise StoreError(
                f"{purpose} needs about {num_bytes:,} bytes but {parent} has {free:,} free; "
                "free some space or choose another --home"
            )

    def sweep(self) -> None:
        """Remove temporary files, here and below, whose writer on this machine is dead."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if name.startswith(_TEMPORARY) and not _writer_is_alive(name):
                    (Path(folder) / name).unlink(missing_ok=True)

    @contextmanager
    def _written(self, target: Path, data: bytes) -> Iterator[Path]:
        temporary = target.parent / _temporary_name(os.getpid())
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_and_check(temporary, data)
            yield temporary
            _sync_folder(target.parent)
        except OSError as error:
            raise _not_written(target, data, error) from error
        finally:
            # A temporary file that cannot be removed now is swept later.
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _not_written(target: Path, data: bytes, error: OSError) -> Exception:
    if error.errno in _FULL:
        return StoreError(
            f"the disk is full: {target} ({len(data):,} bytes) could not be written; nothing "
            "was left half-written: free some space and run the same command again"
        )
    if error.errno in _FORBIDDEN:
        return StoreError(
            f"{target} may not be written ({error.strerror}); nothing was left half-written: "
            "choose another --home, or mend its permissions"
        )
    return error


def _write_and_check(temporary: Path, data: bytes) -> None:
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if hashlib.sha256(temporary.read_bytes()).digest() != hashlib.sha256(data).digest():
        raise StoreError(
            f"{temporary} does not read back as written; the disk is not to be trusted"
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary_name(owner: int) -> str:
    """Names its writer, by machine and process: only that machine can tell whether it lives."""
    return f"{_TEMPORARY}{platform.node()}-{owner}-{uuid.uuid4().hex}"


def _writer_is_alive(name: str) -> bool:
    machine, *owner = name.removeprefix(_TEMPORARY).rsplit("-", 2)
    return machine != platform.node() or Path("/proc", *owner[:1]).exists()


def _local_path(url: str) -> Path:
    if "://" not in url:
        return Path(url).expanduser().absolute()
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ValueError(
            f"{parts.scheme}:// is not supported yet (got a URL of that kind); "
            "use a local path or a file:// URL"
        )
    return Path(unquote(parts.path))
