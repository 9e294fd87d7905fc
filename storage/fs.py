"""Every durable byte goes through here: folders at a path or any fsspec URL.

The rule (STORE.md, 'Writing'): a file appears under its name whole and checked, or not at all. On a
disk that takes a temporary name, which `sweep` removes where its writer was killed; elsewhere one put.
"""

import os
import platform
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from storage.errors import DamageError

TEMPORARY = ".tmp-"
# As `temporary_name` makes them: others may use the same prefix for what is theirs.
_OWN_TEMPORARY = re.compile(rf"{re.escape(TEMPORARY)}(.+)-([0-9]+)-[0-9a-f]{{32}}")
# Left in any folder by desktops, network disks and the file systems themselves; compared in lower case.
_LEFT_BY_SYSTEMS = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eadir",
        "__macosx",
        "lost+found",
        "$recycle.bin",
        "system volume information",
    }
)
_MARKER = "_$folder$"  # ends the name of an empty object by which Hadoop's tools show a folder
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")
# One slash after the colon, none after the name of a protocol that is in use, or no colon.
_IN_USE = "file|s3a?|gs|gcs|https?|ftp|sftp|ssh|hdfs|abfss?|adl|az|memory|hf"
_SLIP = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*(?=:/(?!/))|(?i:{_IN_USE})(?=:(?!//)|//))(:/?|//)"
)


class FileInfo(NamedTuple):
    """What a listing says of a file."""

    num_bytes: int
    modified_at: float  # seconds since 1970; 0 where the file system does not say


class Folder(ABC):
    """A folder at an absolute place; names inside it may contain '/' but never lead out of it.

    Every answer is fresh: nothing is remembered of an earlier one. Whatever a file system says goes
    wrong comes as a `StoreError` with a sentence, but for a FileNotFoundError.
    """

    @staticmethod
    def at(url: str) -> "Folder":
        """The folder at a path or URL, made absolute at once; nothing is created.

        Raises a ValueError, which never repeats the URL, where it is none or carries a secret.
        """
        # Imported here, because both are made of this class.
        from storage.local_folder import LocalFolder
        from storage.remote_folder import RemoteFolder

        require_whole_address(url)
        scheme, is_url, _ = url.partition("://")
        if not is_url or scheme.lower() == "file":
            return LocalFolder.at(url)
        if not _SCHEME.fullmatch(scheme):
            raise ValueError("what stands before '://' is no protocol; write it as s3://bucket/kdm")
        return RemoteFolder.at(url)

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is, absolute, so that another process finds the same place; a path where local."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of its path."""

    @property
    @abstractmethod
    def is_local(self) -> bool:
        """Whether it lies on a disk of this machine."""

    @abstractmethod
    def local_path(self, name: str = "") -> Path:
        """The path of the folder, or of `name` in it; only where `is_local`."""

    @abstractmethod
    def __truediv__(self, name: str) -> "Folder":
        """The folder `name` inside this one."""

    @abstractmethod
    def names(self) -> list[str]:
        """What lies directly inside, sorted, without hidden names; [] where there is no folder.

        A folder that is there and cannot be listed is a `StoreError`, never an empty one.
        """

    @abstractmethod
    def files(self) -> dict[str, FileInfo]:
        """All files here and below by their names from here, sorted, without hidden ones.

        What is neither a folder nor a file (a pipe, a dangling link) counts as a file without bytes.
        """

    @abstractmethod
    def exists(self, name: str = "") -> bool:
        """Whether the file or folder `name` is there (without a name: the folder itself)."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of a file."""

    @abstractmethod
    def read(self, name: str, *, at_most: int | None = None) -> bytes:
        """All bytes of a file; `DamageError`, before they are read, where they are more."""

    @abstractmethod
    def read_many(self, names: Sequence[str], *, at_most: int | None = None) -> list[bytes]:
        """All bytes of each file, in order; at once where each would be waited for."""

    @abstractmethod
    def create(self, name: str, data: bytes) -> bool:
        """Write a new file; False, and nothing written, where one of that name exists.

        Where an answer can be lost on its way, a file of equal bytes counts as this one.
        """

    @abstractmethod
    def replace(self, name: str, data: bytes | list[memoryview]) -> None:
        """Write a file in place of what may be there: readers see the old one or the new one.

        Pieces are written one after the other; on a disk they are never in memory as one.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file or a whole folder; of a link the link; nothing happens where there is none."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove temporary files whose writer on this machine is dead."""

    @abstractmethod
    def require_space(self, num_bytes: int, purpose: str) -> None:
        """Raise a `StoreError` before any work where `num_bytes` do not fit, if that can be known."""

    @abstractmethod
    def require_writable(self, purpose: str) -> None:
        """Raise a `StoreError` before any work where nothing can be written here."""

    def num_bytes(self) -> int:
        """Bytes of all files below."""
        return sum(each.num_bytes for each in self.files().values())


def require_whole_address(place: str) -> None:
    """Raise a ValueError where a path looks like a URL whose slashes or colon were mistyped."""
    slip = _SLIP.match(place)
    if slip is None:
        return
    scheme = slip["scheme"]
    meant = (
        "file:///path, or the path alone" if scheme.lower() == "file" else f"{scheme}://bucket/kdm"
    )
    raise ValueError(
        f"the place begins with '{slip[0]}', which begins no URL; write {meant} (a folder of that "
        f"name is ./{slip[0]}…)"
    )


def local_file(place: str, what: str) -> Path:
    """The absolute path of what only this machine's disks can hold; a ValueError for a URL."""
    return local_path(place, what).absolute()


def local_path(place: str, what: str) -> Path:
    """Likewise, as it stands: it may be relative."""
    require_whole_address(place)
    if "://" in place:
        raise ValueError(f"{what} is a path on this machine, and no URL; copy the files here first")
    return user_path(place)


def user_path(place: str) -> Path:
    """A path as a user writes it, '~' for a home folder; a ValueError where no user is called that."""
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{place[:200]}: this machine knows no user '{place.partition('/')[0][1:][:80]}' with a home "
            "folder; write the whole path (a folder of that name is ./~…)"
        ) from error


def require_below(name: str, url: str) -> None:
    """Raise a ValueError where a name leads out of the folder at `url`, or is none."""
    if name and ("\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/"))):
        raise ValueError(f"{name[:80]!r} is not the name of a file below {url}")


def require_size(num_bytes: int, at_most: int | None, where: str) -> None:
    """Raise a `DamageError` where a file is larger than anything that is written there."""
    if at_most is not None and num_bytes > at_most:
        raise DamageError(
            f"{where} has {num_bytes:,} bytes, at most {at_most:,} are read; "
            "no file of that size is ever written there: remove it"
        )


def temporary_name() -> str:
    """Names its writer, by machine and process: only that machine can tell whether it lives."""
    return f"{TEMPORARY}{platform.node()}-{os.getpid()}-{uuid.uuid4().hex}"


def is_temporary(name: str) -> bool:
    """Whether this is the name of a temporary file that one of our own writers made."""
    return _OWN_TEMPORARY.fullmatch(name) is not None


def is_abandoned(name: str) -> bool:
    """Whether this is a temporary file whose writer was on this machine and is dead."""
    match = _OWN_TEMPORARY.fullmatch(name)
    return (
        match is not None and match[1] == platform.node() and not Path("/proc", match[2]).exists()
    )


def is_hidden(name: str) -> bool:
    """Whether any part of a name is none of ours: `.DS_Store`, `._x`, `Thumbs.db`, temporary files.

    Nothing that is kept in a store has such a name, so listings step over them.
    """
    parts = name.split("/")
    return name.endswith(_MARKER) or any(
        part.startswith(".") or part.lower() in _LEFT_BY_SYSTEMS for part in parts
    )
