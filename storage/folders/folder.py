"""Every durable byte goes through here: folders at a path or any fsspec URL.

The rule (docs/store.md, 'Two writers'): a file appears under its name whole and checked, or not at
all. A disk takes a temporary name first, which `sweep` removes if its writer was killed; elsewhere
it is one put.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from storage.errors import DamageError


class FileInfo(NamedTuple):
    """What a listing says of a file."""

    num_bytes: int
    modified_at: float  # seconds since 1970; 0 if the file system doesn't say


class Folder(ABC):
    """A folder at an absolute place; names inside it may contain '/' but never lead out of it.

    Every answer is fresh: nothing is cached. An error of the file system comes as a `StoreError`
    with a sentence, except for a FileNotFoundError.
    """

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is, absolute, so that another process finds the same place; a path if local."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of its path."""

    @property
    @abstractmethod
    def is_local(self) -> bool:
        """Whether it is on a disk of this machine."""

    @abstractmethod
    def local_path(self, name: str = "") -> Path:
        """The path of the folder, or of `name` in it; only if `is_local`."""

    @abstractmethod
    def __truediv__(self, name: str) -> "Folder":
        """The folder `name` inside this one."""

    @abstractmethod
    def names(self) -> list[str]:
        """What is directly inside, sorted, without hidden names; [] if the folder doesn't exist.

        A folder that is there and cannot be listed is a `StoreError`, never an empty one.
        """

    @abstractmethod
    def files(self) -> dict[str, FileInfo]:
        """All files here and below by their names from here, sorted, without hidden ones.

        Anything else (a pipe, a dangling link) counts as a file without bytes.
        """

    @abstractmethod
    def exists(self, name: str = "") -> bool:
        """Whether the file or folder `name` is there (without a name: the folder itself)."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of a file."""

    @abstractmethod
    def read(self, name: str, *, at_most: int | None = None) -> bytes:
        """All bytes of a file; if there are more, `DamageError` before they are read."""

    @abstractmethod
    def read_many(self, names: Sequence[str], *, at_most: int | None = None) -> list[bytes]:
        """All bytes of each file, in order; in parallel if each read has to wait."""

    @abstractmethod
    def create(self, name: str, data: bytes) -> bool:
        """Write a new file; if the name is taken, False, and nothing is written.

        If an answer can be lost on its way, a file of equal bytes counts as this one.
        """

    @abstractmethod
    def replace(self, name: str, data: bytes | list[memoryview]) -> None:
        """Write a file over what may be there: readers see the old one or the new one.

        Pieces are written one after the other; on a disk they are never in memory as one.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, a whole folder, or a link (not what it leads to); a missing one is fine."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove temporary files whose writer on this machine is dead."""

    @abstractmethod
    def require_space(self, num_bytes: int, purpose: str) -> None:
        """Raise a `StoreError` before any work if `num_bytes` don't fit, if that can be known."""

    @abstractmethod
    def require_writable(self, purpose: str) -> None:
        """Raise a `StoreError` before any work if nothing can be written here."""

    def num_bytes(self) -> int:
        """Bytes of all files below."""
        return sum(each.num_bytes for each in self.files().values())


def require_size(num_bytes: int, at_most: int | None, where: str) -> None:
    """Raise a `DamageError` if a file is larger than anything ever written there."""
    if at_most is not None and num_bytes > at_most:
        raise DamageError(
            f"{where} has {num_bytes:,} bytes, at most {at_most:,} are read; "
            "no file of that size is ever written there: remove it"
        )
