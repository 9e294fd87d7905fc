"""A folder on a disk: temporary name, flush, re-read and hash, then a link or a rename.

A private one is made with the mode 0700 and its files with 0600, whatever the umask: they never had another.
"""

import contextlib
import logging
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.errors import DamageError, NoExclusiveCreationError, StoreError
from storage.folders.exclusive import move_to_free_name, require_exclusive_creation, sync_folder
from storage.folders.file_names import is_hidden, require_below
from storage.folders.folder import FileInfo, Folder, require_size
from storage.folders.local_errors import FULL, not_written, told
from storage.folders.local_paths import user_path
from storage.folders.temporary import is_abandoned, temporary_name
from storage.folders.walk import walked

_LOG = logging.getLogger("storage.folders")

_NUM_TRIES = 5  # of making a folder
_CHUNK = 2**16  # bytes that are read back at once: larger ones are fresh memory each time


@dataclass(frozen=True)
class LocalFolder(Folder):
    """A folder at an absolute path."""

    path: Path
    is_private: bool = False  # only this user may look into it once it is made here

    @classmethod
    def at(cls, url: str) -> "LocalFolder":
        """The folder at a path or a `file://` URL."""
        if "://" not in url:
            return cls(user_path(url).absolute())
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
            raise ValueError("a file:// URL can't have a machine name, '?' or '#': file:///path")
        return cls(Path(unquote(parts.path)))

    @property
    def url(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_local(self) -> bool:
        return True

    def local_path(self, name: str = "") -> Path:
        require_below(name, self.url)
        return self.path / name

    def __truediv__(self, name: str) -> "LocalFolder":
        return LocalFolder(self.local_path(name), self.is_private)

    def names(self) -> list[str]:
        try:
            with told("listed", self.path):
                found = os.listdir(self.path)
        except FileNotFoundError:
            return []
        return sorted(name for name in found if not is_hidden(name))

    def files(self) -> dict[str, FileInfo]:
        found = {}
        for folder, names in walked(self.path):
            for name in names:
                path = os.path.join(folder, name)
                info = None if is_hidden(name) else _info(path)
                if info is not None:
                    found[os.path.relpath(path, self.path)] = info
        return dict(sorted(found.items()))

    def exists(self, name: str = "") -> bool:
        path = self.local_path(name)
        try:
            with told("looked at", path):
                path.stat()
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        path = self.local_path(name)
        with told("looked at", path):
            return path.stat().st_size

    def read(self, name: str, *, at_most: int | None = None) -> bytes:
        path = self.local_path(name)
        with told("read", path), open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise DamageError(f"{path} is not a regular file; remove it")
            require_size(status.st_size, at_most, str(path))
            return file.read()

    def read_many(self, names: Sequence[str], *, at_most: int | None = None) -> list[bytes]:
        return [self.read(name, at_most=at_most) for name in names]

    def create(self, name: str, data: bytes) -> bool:
        target = self.local_path(name)
        if target.exists():
            return False
        with _written(target, [memoryview(data)], is_private=self.is_private) as temporary:
            try:
                move_to_free_name(temporary, target)
            except FileExistsError:
                return False
        return True

    def replace(self, name: str, data: bytes | list[memoryview]) -> None:
        target = self.local_path(name)
        pieces = data if isinstance(data, list) else [memoryview(data)]
        with _written(target, pieces, is_private=self.is_private) as temporary:
            os.replace(temporary, target)

    def remove(self, name: str) -> None:
        target = self.local_path(name)
        with told("removed", target):
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove temporary files, here and below, whose writer on this machine is dead."""
        for folder, names in walked(self.path):
            for name in filter(is_abandoned, names):
                (Path(folder) / name).unlink(missing_ok=True)

    def require_space(self, num_bytes: int, purpose: str) -> None:
        standing = self._standing()
        free = shutil.disk_usage(standing).free
        if num_bytes > free:
            raise StoreError(
                f"{purpose} needs about {num_bytes:,} bytes but {standing} has {free:,} free; "
                "free some space or choose another place"
            )

    def require_writable(self, purpose: str) -> None:
        # Tried, because rights alone don't tell: a disk may be read-only, full, or another machine's,
        # and its file system may lack what a write needs.
        standing = self._standing()
        try:
            _require_primitives(standing)
            # If the folder isn't there yet, nothing else removes files of a killed probe.
            for name in filter(is_abandoned, os.listdir(standing)):
                (standing / name).unlink(missing_ok=True)
        except NoExclusiveCreationError as error:
            raise StoreError(f"{purpose}: nothing was begun, {error}") from error
        except OSError as error:
            if error.errno in FULL:
                raise StoreError(
                    f"{purpose}: the disk is full: {self.path} could not be written; nothing was begun: "
                    "free some space and run the same command again"
                ) from error
            raise StoreError(
                f"{purpose}: {self.path} may not be written ({error.strerror}); nothing was begun: "
                "choose another place, or change its permissions"
            ) from error

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the folder for the time of the block; it stays if it was there before or isn't empty."""
        missing = _missing_folders(self.path)
        with contextlib.suppress(OSError):  # a failing write reports what is wrong
            self.path.mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            _remove_empty(missing)

    def _standing(self) -> Path:
        return next(place for place in [self.path, *self.path.parents] if place.exists())


def _open_at_once(path: str, flags: int) -> int:
    # A pipe in the place of a file would keep the reader waiting for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def _require_primitives(folder: Path) -> None:
    """Do once, with files that are removed again, what every write does."""
    probes = [folder / temporary_name() for _ in range(3)]
    first, second, target = probes
    try:
        require_exclusive_creation(first, second, target)
        os.replace(second, target)
        sync_folder(folder)
    finally:
        for probe in probes:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)


def _info(path: str) -> FileInfo | None:
    with contextlib.suppress(FileNotFoundError), told("looked at", Path(path)):
        status = os.stat(path) if os.path.exists(path) else os.lstat(path)
        num_bytes = status.st_size if stat.S_ISREG(status.st_mode) else 0
        return FileInfo(num_bytes, status.st_mtime)
    return None  # removed since it was listed


@contextmanager
def _written(target: Path, pieces: Sequence[memoryview], *, is_private: bool) -> Iterator[Path]:
    temporary = target.parent / temporary_name()
    missing = _missing_folders(target.parent)
    try:
        _make_folder(target.parent, 0o700 if is_private else 0o777)
        _write_and_check(temporary, pieces, 0o600 if is_private else 0o666)
        yield temporary
        sync_folder(target.parent)
        _LOG.debug("written: %s", target)
    except OSError as error:
        raise not_written(target, sum(piece.nbytes for piece in pieces), error) from error
    finally:
        # A temporary file that cannot be removed now is swept later.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        _remove_empty(missing)


def _make_folder(folder: Path, mode: int) -> None:
    """Make a folder that another process may remove meanwhile because it's empty.

    The mode, of which the umask takes away, is the folder's own; those above it have the usual one.
    """
    for _ in range(_NUM_TRIES - 1):
        try:
            folder.mkdir(mode, parents=True, exist_ok=True)
        except FileExistsError:
            if folder.exists() or folder.is_symlink():  # a file is in its place
                raise
        except FileNotFoundError:  # one of those above it went
            continue
        else:
            return
    folder.mkdir(mode, parents=True, exist_ok=True)


def _missing_folders(folder: Path) -> list[Path]:
    """Those that making the folder makes, the deepest first."""
    return list(takewhile(lambda place: not place.exists(), (folder, *folder.parents)))


def _remove_empty(folders: Sequence[Path]) -> None:
    with contextlib.suppress(OSError):  # one that holds a file stays, and those above it
        for folder in folders:
            folder.rmdir()


def _write_and_check(temporary: Path, pieces: Sequence[memoryview], mode: int) -> None:
    with open(temporary, "wb", opener=partial(os.open, mode=mode)) as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    if not _reads_back(temporary, pieces):
        raise StoreError(f"{temporary} does not read back as written; the disk can't be trusted")


def _reads_back(temporary: Path, pieces: Sequence[memoryview]) -> bool:
    """Compared chunk by chunk, so that a large file is not in memory twice."""
    chunks = (
        bytes(piece[first : first + _CHUNK])
        for piece in pieces
        for first in range(0, piece.nbytes, _CHUNK)
    )
    with temporary.open("rb") as file:
        return all(file.read(len(chunk)) == chunk for chunk in chunks) and not file.read(1)
