"""What travels of a thing: its files, which are listed on a bill, its card, and what the viewer shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kdm.hub.bill import Bill, Listed
from kdm.hub.file_digests import git_blob, sha256_of_file
from kdm.hub.hub_address import Kind
from kdm.hub.travelling import may_travel
from storage.digest import sha256_of
from storage.folders import Folder

Source = Path | bytes


class Shown(NamedTuple):
    """A file for the Hub's viewer, made when it is needed: nobody pulls it. Its path names its content."""

    path: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class Cargo:
    """All that is sent of one thing."""

    bill: Bill
    sources: Mapping[str, Source]  # of each file on the bill
    card: bytes
    shown: Sequence[Shown] = ()

    @classmethod
    def of(
        cls,
        kind: Kind,
        name: str,
        digest: str,
        sources: Mapping[str, Source],
        *,
        card: str,
        shown: Sequence[Shown] = (),
    ) -> "Cargo":
        """With the bill over these files."""
        listed = {path: _listed(sources[path]) for path in sorted(sources)}
        data = card.encode()
        return cls(Bill(kind, name, digest, listed, git_blob(data)), sources, data, shown)

    def blob(self, path: str) -> str:
        """The git object of a file."""
        source = self.sources[path]
        return git_blob(source if isinstance(source, bytes) else source.read_bytes())


def sources_of(folder: Folder, kind: Kind) -> dict[str, Source]:
    """The files of a folder that may travel, where they lie; what isn't on a disk is read."""
    names = [name for name in folder.files() if may_travel(kind, name)]
    return {
        name: folder.local_path(name) if folder.is_local else folder.read(name) for name in names
    }


def _listed(source: Source) -> Listed:
    if isinstance(source, bytes):
        return Listed(sha256_of(source), len(source))
    return Listed(sha256_of_file(source), source.stat().st_size)
