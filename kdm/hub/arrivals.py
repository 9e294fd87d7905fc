"""Files on their way from the Hub: each is brought, checked against its sha256, and then gets its name.

A folder of arrivals holds whole files under their own names, and what is half there in .parts, by the
sha256 that it will have and its name. So an interrupted pull goes on at the byte where it ended.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kdm.hub.bill import Listed
from kdm.hub.file_digests import sha256_of_file
from kdm.hub.repository import Repository
from storage.digest import sha256_of, short
from storage.errors import DamageError

PARTS = ".parts"
_AT_ONCE = 4
Report = Callable[[int, int], None]  # bytes that are there, of all


@dataclass(frozen=True)
class Arrivals:
    """The files of one commit that go to a folder."""

    repository: Repository
    commit: str
    folder: Path

    def bring(self, files: Mapping[str, Listed], report: Report) -> None:
        """Bring all that isn't there yet; a DamageError names a file that isn't what is listed."""
        total = sum(each.num_bytes for each in files.values())
        missing = [path for path, each in files.items() if not self.is_there(path, each)]
        done = total - sum(files[path].num_bytes for path in missing)
        report(done, total)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            sizes = threads.map(lambda path: self._bring(path, files[path]), missing)
            for num_bytes in sizes:
                done += num_bytes
                report(done, total)

    def is_there(self, path: str, listed: Listed) -> bool:
        """Whether the whole file arrived earlier."""
        file = self.folder / path
        if not file.is_file() or file.stat().st_size != listed.num_bytes:
            return False
        return sha256_of_file(file) == listed.sha256

    def _bring(self, path: str, listed: Listed) -> int:
        part = self.folder / PARTS / f"{listed.sha256}-{short(sha256_of(path.encode()))}"
        self.repository.download(path, self.commit, part, listed.num_bytes)
        found = sha256_of_file(part)
        if found != listed.sha256:
            part.unlink()
            raise DamageError(
                f"{path} of {self.repository.url} is not the file that was pushed (sha256 {found[:12]}…, "
                f"listed as {listed.sha256[:12]}…); nothing of it is used: pull another revision, or ask "
                "its owner"
            )
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _synced(part)
        os.replace(part, target)
        return listed.num_bytes


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
