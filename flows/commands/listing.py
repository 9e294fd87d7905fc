"""A home as `kdm ls` sees it: its files and runs, read once, from which every table is made."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flows.commands.made_by import Remembered
from flows.commands.pairs_rows import UNKNOWN, moment
from flows.table import instant, num_bytes
from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import FileInfo, Folder

ABOUT = "about.json"  # of references and features


class Row(NamedTuple):
    """A line of a table, the text below it, and the same thing's facts for --json."""

    cells: list[str]
    below: str = ""
    facts: Mapping[str, Any] = {}


class Listing(NamedTuple):
    """A home's files and runs, read once."""

    home: Folder
    files: Mapping[str, FileInfo]  # below the home
    recipes: Mapping[str, str]  # by KIND/NAME
    runs: Sequence[Remembered]

    def size(self, place: str) -> str:
        """The size of all files below a place."""
        return num_bytes(self.num_bytes(place))

    def num_bytes(self, place: str) -> int:
        """The same as a number."""
        found = (each for name, each in self.files.items() if name.startswith(f"{place}/"))
        return sum(each.num_bytes for each in found)

    def facts(self, place: str, last: str) -> dict[str, Any]:
        """What --json says of everything: name, bytes, and when `last`, its last file, was written."""
        written = self.files.get(f"{place}/{last}")
        return {
            "name": place.rpartition("/")[2],
            "bytes": self.num_bytes(place),
            "finished": instant(written.modified_at) if written else None,
        }

    def finished(self, name: str) -> str:
        """When a file was written."""
        return moment(self.files[name].modified_at) if name in self.files else UNKNOWN

    def about(self, kind: str, name: str, file: str = ABOUT) -> dict[str, Any] | None:
        """What a folder says of itself; None if it can't be read."""
        place = f"{kind}/{name}/{file}"
        try:
            return unseal(self.home.read(place), place)
        except (FileNotFoundError, DamageError):
            return None
