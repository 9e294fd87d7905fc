"""Folders of a command that only looks: every read answers, and nothing in them changes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from storage.folders.folder import FileInfo, Folder

_LOOKS = ContextVar("looks", default=False)


class WouldWriteError(Exception):
    """A new file would be written now, although the caller only looks; the message is its URL."""


@contextmanager
def untouched() -> Iterator[None]:
    """Until the end of the block, folders that are opened in this thread write and remove nothing."""
    token = _LOOKS.set(True)
    try:
        yield
    finally:
        _LOOKS.reset(token)


def guarded(folder: Folder) -> Folder:
    """The folder itself, or within `untouched` one that only reads."""
    return _Untouched(folder) if _LOOKS.get() else folder


@dataclass(frozen=True)
class _Untouched(Folder):
    """Reads as the folder does, and leaves it as it is; a new file raises `WouldWriteError`.

    What is only brought up to date (a card, a page, a claim) isn't written, and that is all.
    """

    folder: Folder

    @property
    def url(self) -> str:
        return self.folder.url

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_local(self) -> bool:
        return self.folder.is_local

    def local_path(self, name: str = "") -> Path:
        return self.folder.local_path(name)

    def __truediv__(self, name: str) -> Folder:
        return _Untouched(self.folder / name)

    def names(self) -> list[str]:
        return self.folder.names()

    def files(self) -> dict[str, FileInfo]:
        return self.folder.files()

    def exists(self, name: str = "") -> bool:
        return self.folder.exists(name)

    def size(self, name: str) -> int:
        return self.folder.size(name)

    def read(self, name: str, *, at_most: int | None = None) -> bytes:
        return self.folder.read(name, at_most=at_most)

    def read_many(self, names: Sequence[str], *, at_most: int | None = None) -> list[bytes]:
        return self.folder.read_many(names, at_most=at_most)

    def create(self, name: str, data: bytes) -> bool:
        if self.folder.exists(name):
            return False
        raise WouldWriteError(f"{self.url}/{name}")

    def replace(self, name: str, data: bytes | list[memoryview]) -> None:
        """Nothing: the next real command does it."""

    def remove(self, name: str) -> None:
        """Nothing: what a killed writer left is the next real command's to remove."""

    def sweep(self) -> None:
        """The same."""

    def require_space(self, num_bytes: int, purpose: str) -> None:
        self.folder.require_space(num_bytes, purpose)

    def require_writable(self, purpose: str) -> None:
        """Nothing is written here."""
