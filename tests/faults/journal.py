"""One JSON line an injection, and which injections to make: all, or the one to look at again.

Lines go to build/faults/NAME.jsonl (another folder: KDM_FAULTS_LOG). KDM_FAULTS_SEED=17 makes a
campaign inject the fault of that seed alone, as it was the first time; 17-199 goes on with the rest of a
campaign that was stopped.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def seeds(end: int, *, first: int = 0) -> Iterable[int]:
    """first … end − 1, or those that KDM_FAULTS_SEED names: one seed, or FIRST-LAST."""
    named = os.environ.get("KDM_FAULTS_SEED")
    if named is None:
        return range(first, end)
    lowest, _, highest = named.partition("-")
    return range(int(lowest), int(highest or lowest) + 1)


class Journal:
    """A campaign's lines; a line with `faults` is a failure."""

    def __init__(self, name: str) -> None:
        place = Path(os.environ.get("KDM_FAULTS_LOG", "build/faults"))
        place.mkdir(parents=True, exist_ok=True)
        self._file = place / f"{name}.jsonl"
        self._file.write_text("")
        self.failures: list[dict[str, Any]] = []
        self.num_lines = 0

    def note(self, line: dict[str, Any]) -> None:
        """Write a line at once, so that it outlives the campaign."""
        self.num_lines += 1
        if line.get("faults"):
            self.failures.append(line)
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")
