"""A run as its trackers see it: where it is, what it depends on, and what it says of a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.folders import Folder

_KINDS = ("teachers", "students")  # folders of a home that hold runs
_SHARED = "trackers"  # in a home: stores of all its runs
STATE = "trackers"  # a folder of the run: its key, and what each tracker was told to the end
RUN = f"{STATE}/run.json"  # the key


@dataclass(frozen=True)
class Entry:
    """All that a run says of one step; it's told as a whole or not at all."""

    step: int  # after so many steps
    at: float  # seconds since 1970
    values: Mapping[
        str, float
    ]  # numbers by name, such as loss/total; empty where there's a picture alone
    pictures: Mapping[str, bytes] = field(default_factory=dict)  # PNG files by name


@dataclass(frozen=True)
class TrackedRun:
    """One run as its trackers know it."""

    folder: Folder  # where the run writes
    key: str  # 16 hexadecimal digits, the folder's own: a run that is made anew has another
    options: Mapping[str, Any]  # what the run depends on, by dotted names

    @property
    def name(self) -> str:
        """NAME-DIGEST of the run."""
        return self.folder.name

    def shared_path(self, name: str) -> Path:
        """Where all runs of the home have the store `name`; only if the folder is local.

        That is HOME/trackers/NAME for a run at HOME/students/… or HOME/teachers/…, and in the run's own
        folder elsewhere.
        """
        own = self.folder.local_path()
        place = own.parents[1] if own.parent.name in _KINDS else own
        return place / _SHARED / name
