"""A folder on any file system that fsspec knows (s3://, gs://, memory://): whole objects, one put each.

Nothing is opened for writing, because an exception while a file is open publishes what was written by
then. Whether a name is free is decided by the server (If-None-Match), never by having looked before.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from storage.errors import DamageError, StoreError
from storage.folders.file_names import is_hidden, require_below
from storage.folders.folder import FileInfo, Folder, require_size
from storage.folders.remote_errors import patiently, raised, reason_of, told
from storage.folders.remote_systems import file_system, listed_below, require_known
from storage.folders.temporary import is_abandoned, temporary_name

_NUM_AT_ONCE = 16  # requests; a home connection fills with fewer, a data centre serves thousands
_NUM_TRIES = 3  # of a put whose bytes do not read back: another writer may have come between
# S3: two conditional puts of one name at once; the server asks for another try.
_CONFLICT = "ConditionalRequestConflict"
_EMPTY = ("InvalidRange", "416")  # the answer to a request for the first bytes of an empty file
_UNBOUNDED = 2**62  # bytes


@dataclass(frozen=True)
class RemoteFolder(Folder):
    """A folder at PROTOCOL://PATH."""

    protocol: str
    path: str  # below the protocol, without a '/' at either end

    @classmethod
    def at(cls, url: str) -> "RemoteFolder":
        """The folder at a URL; credentials come from the environment or config files alone."""
        parts = urlsplit(url)
        if "@" in parts.netloc or "?" in url or "#" in url or not _has_port(parts.netloc):
            raise ValueError(
                f"a {parts.scheme}:// URL carries no user, password, '?' or '#' here; put "
                "credentials into the environment or the provider's config file (docs/remote.md)"
            )
        if "::" in url or any(sign in url for sign in "*[]"):
            raise ValueError(f"a {parts.scheme}:// URL can't have '::', '*', '[' or ']' here")
        names = [name for name in f"{parts.netloc}/{parts.path}".split("/") if name]
        if not names or ".." in names or not (parts.netloc or parts.scheme == "memory"):
            raise ValueError(f"write the place as {parts.scheme}://bucket/kdm, without '..'")
        require_known(parts.scheme)
        return cls(parts.scheme, "/".join(names))

    @property
    def url(self) -> str:
        return f"{self.protocol}://{self.path}"

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_local(self) -> bool:
        return False

    def local_path(self, name: str = "") -> Path:
        raise AssertionError(f"{self.url}/{name} lies on no disk of this machine")

    def __truediv__(self, name: str) -> "RemoteFolder":
        require_below(name, self.url)
        return RemoteFolder(self.protocol, f"{self.path}/{name}" if name else self.path)

    def names(self) -> list[str]:
        names = {each.rsplit("/", 1)[-1] for each in self._listed()}
        return sorted(name for name in names if not is_hidden(name))

    def files(self) -> dict[str, FileInfo]:
        system, path = self._at()
        try:
            with told("listed", self.url):
                found = patiently(lambda: listed_below(system, path))
        except FileNotFoundError:
            return {}
        below = {
            name[len(path) + 1 :]: FileInfo(int(info["size"] or 0), _modified_at(info))
            for name, info in found.items()
            if info["type"] == "file" and _is_below(name, path) and not _is_marker(name)
        }
        return {name: below[name] for name in sorted(below) if not is_hidden(name)}

    def exists(self, name: str = "") -> bool:
        try:
            self._info(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        return int(self._info(name)["size"])

    def read(self, name: str, *, at_most: int | None = None) -> bytes:
        # One more byte than may be read tells whether there are more, in one request.
        data = self._first_bytes(name, _UNBOUNDED if at_most is None else at_most + 1)
        if at_most is not None and len(data) > at_most:
            require_size(max(self.size(name), len(data)), at_most, f"{self.url}/{name}")
        return data

    def read_many(self, names: Sequence[str], *, at_most: int | None = None) -> list[bytes]:
        with ThreadPoolExecutor(_NUM_AT_ONCE) as threads:
            return list(threads.map(lambda name: self.read(name, at_most=at_most), names))

    def create(self, name: str, data: bytes) -> bool:
        for _ in range(_NUM_TRIES):
            try:
                self._put(name, data, mode="create")
            except FileExistsError:
                # Another's, or this very put: its answer was lost and it was sent once more.
                return self._holds(name, data)
            except _ConflictError:
                continue
            self._require_as_written(name, data)
            return True
        raise StoreError(
            f"{self.url}/{name} is fought over by other writers; run the command again"
        )

    def replace(self, name: str, data: bytes | list[memoryview]) -> None:
        data = b"".join(data) if isinstance(data, list) else data
        for _ in range(_NUM_TRIES):
            self._put(name, data, mode="overwrite")
            if self._holds(name, data):
                return
        self._require_as_written(name, data)

    def remove(self, name: str) -> None:
        system, path = self._at(name)
        try:
            is_file = self._info(name)["type"] == "file"
            with told("removed", f"{self.url}/{name}"):
                patiently(
                    lambda: system.rm_file(path) if is_file else system.rm(path, recursive=True)
                )
        except FileNotFoundError:
            return

    def sweep(self) -> None:
        """Remove what `require_writable` may have left directly here; a put leaves nothing."""
        names = [each.rsplit("/", 1)[-1] for each in self._listed()]
        for name in filter(is_abandoned, names):
            self.remove(name)

    def require_space(self, num_bytes: int, purpose: str) -> None:
        """Nothing: an object store doesn't say how much room it has."""

    def require_writable(self, purpose: str) -> None:
        """Create a small file twice and remove it: rights, bucket, and whether create is exclusive."""
        probe = temporary_name()
        try:
            self._put(probe, b"first", mode="create")
            is_exclusive = not self._is_put_again(probe)
            self.remove(probe)
        except StoreError as error:
            raise type(error)(f"{purpose}: nothing was begun, {error}") from None
        if not is_exclusive:
            raise StoreError(
                f"{self.url} replaces an existing file even if told to create a new one only; "
                "two writers would undo each other's work: use a server that honours If-None-Match "
                "(Google's: ifGenerationMatch)"
            )

    def _is_put_again(self, name: str) -> bool:
        try:
            self._put(name, b"second", mode="create")
        except (FileExistsError, _ConflictError):
            return False
        return True

    def _put(self, name: str, data: bytes, *, mode: str) -> None:
        system, path = self._at(name)
        url = f"{self.url}/{name}"
        try:
            with told("written", url), _conflicts():
                patiently(lambda: system.pipe_file(path, bytes(data), mode=mode))
        except FileNotFoundError:
            raise StoreError(f"{url} could not be written: there is no such bucket") from None

    def _holds(self, name: str, data: bytes) -> bool:
        try:
            return self.read(name, at_most=len(data)) == data
        except (FileNotFoundError, DamageError):
            return False

    def _require_as_written(self, name: str, data: bytes) -> None:
        if not self._holds(name, data):
            raise StoreError(
                f"{self.url}/{name} does not read back as written; the server is not to be "
                "trusted, or another writer replaced it meanwhile"
            )

    def _first_bytes(self, name: str, num_bytes: int) -> bytes:
        system, path = self._at(name)
        with told("read", f"{self.url}/{name}"):
            try:
                return bytes(patiently(lambda: system.cat_file(path, start=0, end=num_bytes)))
            except raised() as error:
                if reason_of(error) in _EMPTY:
                    return b""
                raise

    def _listed(self) -> list[str]:
        system, path = self._at()
        try:
            with told("listed", self.url):
                found = patiently(lambda: system.ls(path, detail=False))
        except FileNotFoundError:
            return []
        below = (each.rstrip("/") for each in found)
        # Without its '/', a folder's own marker is the folder.
        return [each for each in below if _is_below(each, path)]

    def _info(self, name: str) -> dict[str, Any]:
        system, path = self._at(name)
        with told("read", f"{self.url}/{name}".rstrip("/")):
            found: dict[str, Any] = patiently(lambda: system.info(path))
        return found

    def _at(self, name: str = "") -> tuple[Any, str]:
        place = self / name
        return file_system(place.url)


class _ConflictError(Exception):
    """The server saw two conditional puts of one name at once and took neither."""


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except raised() as error:
        if reason_of(error) == _CONFLICT:
            raise _ConflictError from None
        raise


def _has_port(netloc: str) -> bool:
    """Whether what follows a ':' is a port, and not a password."""
    _, colon, port = netloc.partition(":")
    return not colon or port.isdigit()


def _is_below(name: str, path: str) -> bool:
    return name.startswith(f"{path}/")


def _is_marker(name: str) -> bool:
    # An empty object by which consoles and mounts show a folder that holds nothing yet.
    return name.endswith("/")


def _modified_at(info: dict[str, Any]) -> float:
    # What file systems call it: S3, Azure, most others, Google, memory.
    for key in ("LastModified", "last_modified", "mtime", "updated", "created"):
        time = info.get(key)
        if isinstance(time, str):
            time = datetime.fromisoformat(time)
        if isinstance(time, datetime):
            return time.timestamp()
        if isinstance(time, int | float):
            return float(time)
    return 0.0
