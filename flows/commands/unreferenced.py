"""What in a home nothing refers to: no run, study or page names it, and nothing that stays depends on it.

Only what this home can make again: imported things and purged sets stay, and so does what was touched lately.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from flows.commands.pairs_rows import pairs_rows, purged_words
from flows.commands.prunable import Found, Prunable, remove_thing, user_of
from flows.commands.resting import Resting, resting_on
from flows.commands.sealed_sources import sealed_document
from flows.home import things
from flows.table import many
from storage.errors import DamageError, StoreError
from storage.folders import Folder
from storage.spec_file import read_spec

# The last first: what depends on others goes before them.
_MADE = ("students", "pairs", "teachers", "classifiers", "references")
_PAGES = ("reports", "studies", "filtered", "proofs", "audits")
_ELSEWHERE = "it was made elsewhere; 'kdm rm' removes it"
_AGAIN = {"classifiers": "trained again", "references": "its pictures pass the network once more"}


def unreferenced(home: Folder, *, older_than: float) -> Found:
    """What may go of what was made at least so long ago (seconds)."""
    return _Search(home, time.time() - older_than).found()


@dataclass
class _Search:
    home: Folder
    before: float  # seconds since 1970
    _going: dict[str, Prunable] = field(default_factory=dict)  # by place
    _kept: dict[str, str] = field(default_factory=dict)

    def found(self) -> Found:
        for kind in _MADE:
            names = things(self.home, kind)
            # Once more for each that goes, because a student may have been kept by one that finishes it.
            while any(self._takes(kind, name) for name in names):
                pass
        for place in self._going:
            self._kept.pop(place, None)
        return Found([*self._going.values()], self._kept)

    def _takes(self, kind: str, name: str) -> bool:
        """Whether a thing may go and wasn't known to."""
        place = f"{kind}/{name}"
        if place in self._going or name in self._named or not self._is_old(place):
            return False
        try:
            resting = resting_on(self.home, kind, name)
            if set(resting.things) - self._going.keys():
                return False
            reason = self._reason_to_stay(kind, name, resting)
            if not reason:
                again = self._again(kind, name)
        except (StoreError, KeyError) as error:
            reason = f"it isn't clear what it is: {error}"
        if reason:
            self._kept[place] = reason
            return False
        size, why = (self.home / place).num_bytes(), "no run, study or page refers to it"
        remove = partial(remove_thing, self.home, place)
        self._going[place] = Prunable(place, size, why, again, remove)
        return True

    def _reason_to_stay(self, kind: str, name: str, resting: Resting) -> str:
        folder = self.home / kind / name
        if folder.is_local and folder.local_path().is_symlink():
            return "it is a link; 'kdm rm' removes it"
        if resting.faults:
            return f"it isn't clear what depends on it: {'; '.join(resting.faults)}"
        if user := user_of(folder):
            return user
        if kind == "pairs":
            return self._reason_of_pairs(folder)
        if kind == "students" and not any(f"students/{name}" in each for each in self._readers):
            return "its pairs aren't here, so that it can't be made again; 'kdm rm' removes it"
        if kind in ("students", "teachers") and "training" not in _identity(folder):
            return _ELSEWHERE
        return ""

    def _reason_of_pairs(self, folder: Folder) -> str:
        if purged_words(folder):
            return "made again, it would hold what a purge has removed; 'kdm rm' removes it"
        teacher = read_spec(folder).get("teacher")
        if not isinstance(teacher, dict):
            return _ELSEWHERE
        if teacher.get("weights") not in (None, *self._weights):
            return "its teacher isn't here, so that it can't be made again; 'kdm rm' removes it"
        return ""

    def _again(self, kind: str, name: str) -> str:
        folder = self.home / kind / name
        if kind == "pairs":
            counts: dict[str, int] = {}
            for _, facts in pairs_rows(folder):
                counts[facts["split"]] = max(counts.get(facts["split"], 0), facts["attempted"] or 0)
            return (
                f"{many(sum(counts.values()), 'pair')} by its teacher, of a recipe with its options"
            )
        if kind in _AGAIN:
            return _AGAIN[kind]
        steps = many(int(_identity(folder)["training"]["num_steps"]), "step")
        return f"{steps} of training, of a recipe with its options"

    def _is_old(self, place: str) -> bool:
        """Whether every file was written before; a file system without dates says that none was."""
        times = [each.modified_at for each in (self.home / place).files().values()]
        return bool(times) and min(times) > 0 and max(times) <= self.before

    @cached_property
    def _named(self) -> set[str]:
        """NAME-DIGEST of all that a document of a page names."""
        texts = [
            (self.home / kind / name).read(file)
            for kind in _PAGES
            for name in things(self.home, kind)
            for file in (self.home / kind / name).names()
            if file.endswith(".json")
        ]
        names = [name for kind in _MADE for name in things(self.home, kind)]
        return {name for name in names if any(name.encode() in text for text in texts)}

    @cached_property
    def _readers(self) -> Sequence[list[str]]:
        """What depends on each of the home's sets."""
        sets = things(self.home, "pairs")
        return [resting_on(self.home, "pairs", name).things for name in sets]

    @cached_property
    def _weights(self) -> set[str]:
        """The weights of the home's teachers; a damaged one makes no pairs."""
        found = set()
        for name in things(self.home, "teachers"):
            folder = self.home / "teachers" / name
            if folder.exists("config.json"):
                found.add(str(sealed_document(folder, "config.json")["weights"]["sha256"]))
        return found


def _identity(folder: Folder) -> Mapping[str, Any]:
    """What determines a training: of its config, or of a checkpoint, if it hasn't ended."""
    checkpoints = (folder / "checkpoints").names()
    names = [
        "config.json",
        *(f"checkpoints/{each}" for each in checkpoints if each[-5:] == ".json"),
    ]
    for name in names:
        if folder.exists(name):
            identity: Mapping[str, Any] = sealed_document(folder, name)["identity"]
            return identity
    raise DamageError(f"{folder.url} has neither a config nor a checkpoint")
