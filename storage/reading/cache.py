"""Files of remote shards on this machine's disk: verified before use, bounded, shared by processes.

A file's name is its sha256, so it is never stale. When it is used its time is set; the least recently
used goes first. A process that has it open can go on reading: a removed file lives until it is closed.
"""

import errno
import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.digest import sha256_of, short
from storage.errors import DamageError, StoreError
from storage.folders import folder_at, local_file
from storage.folders.temporary import is_abandoned
from storage.reading.open_file import OpenFile
from storage.whole_numbers import whole_number

DEFAULT_FOLDER = "~/.cache/kdm-offline/shards"
# Two windows of 65,536 pairs of 3×64×64 take 6.4 GB if noise and data are stored in float16.
DEFAULT_BYTES = 8 * 2**30
_LOCK = ".lock"
_DIGEST = re.compile("[0-9a-f]{64}")  # nothing else in the folder is the cache's to remove
# Between a file's arrival and its opening another process may evict it; five times in a row it hardly does.
_TRIES = 5
# Files that this process has read and found right.
_SOUND: set[Path] = set()


class ShardCache:
    """At most `max_bytes` of files in `folder`; damaged ones are fetched again."""

    def __init__(self, folder: Path, max_bytes: int = DEFAULT_BYTES) -> None:
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}; a cache holds at least one byte")
        self.folder = local_file(str(folder), "the cache (KDM_CACHE)")
        self.max_bytes = max_bytes

    @classmethod
    def default(cls) -> "ShardCache":
        """The cache at KDM_CACHE of KDM_CACHE_BYTES, or of 8 GiB in the user's own cache folder."""
        given = os.environ.get("KDM_CACHE_BYTES") or str(DEFAULT_BYTES)
        max_bytes = whole_number(given)
        if max_bytes is None:
            raise ValueError(f"KDM_CACHE_BYTES is {given[:60]!r}; it must be a whole number")
        return cls(Path(os.environ.get("KDM_CACHE") or DEFAULT_FOLDER), max_bytes)

    def open(self, digest: str, fetch: Callable[[], bytes]) -> OpenFile:
        """The file of this sha256, fetched if it isn't there.

        Raises `DamageError` if the fetched file has another sha256.
        """
        for _ in range(_TRIES):
            file = self._opened(digest)
            if file is not None:
                return file
            self._put(digest, fetch())
        raise StoreError(
            f"{self.folder} loses files as fast as they arrive, because other processes need its "
            f"{self.max_bytes:,} bytes; raise KDM_CACHE_BYTES or give each its own KDM_CACHE"
        )

    def require_room(self, num_bytes: int, purpose: str) -> None:
        """Raise a `StoreError` if so many bytes can never be here together."""
        if num_bytes > self.max_bytes:
            raise StoreError(
                f"{purpose} needs {num_bytes:,} bytes at once, the cache at {self.folder} holds "
                f"{self.max_bytes:,}; raise KDM_CACHE_BYTES, or copy the set to a local disk"
            )

    def forget(self, digests: Collection[str]) -> None:
        """Remove the files of these sha256 that are here: what was purged is kept nowhere."""
        for digest in digests:
            path = self.folder / digest
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise self._unusable("written", error) from error
            _SOUND.discard(path)

    def _opened(self, digest: str) -> OpenFile | None:
        path = self.folder / digest
        try:
            file = OpenFile(path)
        except FileNotFoundError:
            return None
        if path not in _SOUND and file.sha256() != digest:
            path.unlink(missing_ok=True)
            return None
        _SOUND.add(path)
        with suppress(OSError):  # a cache that was filled by another user, or may only be read
            os.utime(file.descriptor)
        return file

    def _put(self, digest: str, data: bytes) -> None:
        if sha256_of(data) != digest:
            raise DamageError(
                f"fetched {len(data):,} bytes with sha256 {short(sha256_of(data))}…, recorded is "
                f"{short(digest)}…; run 'kdm pairs repair'"
            )
        self.require_room(len(data), "one shard")
        with self._locked():
            self._make_room(len(data))
            # Its name is its content, so every writer writes the same bytes.
            folder_at(str(self.folder)).replace(digest, data)

    def _make_room(self, num_bytes: int) -> None:
        """Remove the least recently used, and what killed processes left."""
        found = []
        for entry in self._entries():
            with suppress(FileNotFoundError):  # found damaged, and removed, by another process
                if is_abandoned(entry.name):
                    os.unlink(entry)
                elif _DIGEST.fullmatch(entry.name):
                    status = entry.stat()
                    found.append((status.st_mtime_ns, status.st_size, Path(entry)))
        excess = num_bytes + sum(size for _, size, _ in found) - self.max_bytes
        for _, size, path in sorted(found):
            if excess > 0:
                path.unlink(missing_ok=True)
                _SOUND.discard(path)
                excess -= size

    def _entries(self) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(self.folder) as entries:
                return list(entries)
        except OSError as error:
            raise self._unusable("listed", error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time, so that each uses the room that it made."""
        lock = self._lock()
        try:
            yield
        finally:
            os.close(lock)

    def _lock(self) -> int:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            _lock_where_possible(lock)
        except OSError as error:
            raise self._unusable("written", error) from error
        return lock

    def _unusable(self, done: str, error: OSError) -> StoreError:
        return StoreError(
            f"the cache at {self.folder} may not be {done} ({error.strerror}); "
            "set KDM_CACHE to another folder, or change its permissions"
        )


def _lock_where_possible(file: int) -> None:
    """Without locks on a file system, two processes may together use more than `max_bytes`."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL):
            raise
