"""Damage to files at rest: chosen by seed, done, and looked for before the file is used."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.digests import digests_of
from faults.here import run_here

from storage.care.verify import faults
from storage.digest import unseal
from storage.errors import StoreError
from storage.folders import folder_at
from storage.masks import Mask
from storage.store import PairStore

KINDS = ("flip", "cut", "missing", "swapped")
COUNTS = {"train": 2000, "heldout": 500}
# Every file that a number, a reader or another file rests on; files of a line may be swapped.
AT_RISK = (
    "pairs/*/spec.json",
    "pairs/*/*/*/shards/*.tar",
    "pairs/*/*/*/records/*.json",
    "pairs/*/*/*/manifests/*.json",
    "pairs/*/*/*/masks/*/filter.json",
    "pairs/*/*/*/masks/*/scores/*.json",
    "pairs/*/*/*/masks/*/*/*/*.json",
    "*s/*/config.json",
    "*s/*/model.safetensors",
    "*s/*/checkpoints/*",
    "*s/*/metrics.json",
    "reports/*/run.json",
    "reports/*/report.html",
    "reports/overview.html",
)


@dataclass(frozen=True)
class Damage:
    """One injection: what was done to which file, and whose content it got, if anybody's."""

    seed: int
    kind: str
    file: str  # below the home
    other: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The damaged files."""
        return tuple(filter(None, (self.file, self.other)))

    @property
    def is_of_checkpoint(self) -> bool:
        """Whether it is read only by a training that goes on."""
        return "/checkpoints/" in self.file


@dataclass(frozen=True)
class Finding:
    """What was said of it, and whether all is as before once the advice was followed."""

    reader: str
    command: str
    is_mended: bool

    def names(self, done: Damage) -> bool:
        """Whether the file was named: by its name, or by the digest that is its name."""
        said = self.reader + self.command
        return any(_known_as(file) in said for file in done.files)


def damage(home: Path, seed: int, kind: str) -> Damage:
    """Damage one file of a finished home; every line of AT_RISK is equally likely."""
    chosen = random.Random(f"{seed}/{kind}")
    groups = [sorted(home.glob(pattern)) for pattern in AT_RISK]
    if kind == "swapped":
        groups = [files for files in groups if len({file.read_bytes() for file in files}) > 1]
    files = chosen.choice(groups)
    file = chosen.choice(files)
    data, name = file.read_bytes(), str(file.relative_to(home))
    if kind == "swapped":
        other = chosen.choice([each for each in files if each.read_bytes() != data])
        file.write_bytes(other.read_bytes())
        other.write_bytes(data)
        return Damage(seed, kind, name, str(other.relative_to(home)))
    if kind == "missing":
        file.unlink()
    else:
        change = flipped if kind == "flip" else _cut
        file.write_bytes(change(data, chosen))
    return Damage(seed, kind, name)


def find(home: Path, done: Damage, golden: dict[str, str]) -> Finding:
    """Read the damaged file, run the recipe, remove what was named and run it again."""
    masks = _masks(home, done)
    if done.is_of_checkpoint:
        _undo_trainings(home)
    reader = _said(lambda: read_pairs(home, masks))
    command = _said(lambda: run_here(home))
    if reader or command:
        for file in done.files:
            (home / file).unlink(missing_ok=True)
            if file.endswith("model.safetensors"):
                (home / file).with_name("config.json").unlink(missing_ok=True)
        run_here(home)
    return Finding(reader, command, digests_of(home) == golden)


def read_pairs(home: Path, masks: list[Mask]) -> None:
    """Verify and load both splits; raises, with every fault, where they are not as written."""
    (place,) = (home / "pairs").iterdir()
    for split, count in COUNTS.items():
        store = PairStore.open(folder_at(str(place)), split=split, layout="wds-256")
        wrong = faults(store)
        if wrong:
            raise StoreError("; ".join(fault.sentence for fault in wrong))
        store.load(count, masks)


def _masks(home: Path, done: Damage) -> list[Mask]:
    found = home.glob("pairs/*/*/*/masks/*/decisions/*/decision.json")
    sound = next(file for file in found if str(file.relative_to(home)) not in done.files)
    document = unseal(sound.read_bytes(), sound.name)
    return [Mask(score=document["score"], decision=document["decision"])]


def _undo_trainings(home: Path) -> None:
    for config in home.glob("*s/*/config.json"):
        config.unlink()
        config.with_name("model.safetensors").unlink()


def _said(use: Callable[[], object]) -> str:
    try:
        use()
    except (StoreError, ValueError) as error:
        return str(error)
    return ""


def _known_as(file: str) -> str:
    stem = Path(file).stem
    if Path(file).parent.name == "manifests":
        return "/manifests"  # where the only one is missing, there is no name to give
    # The files of a shard's mask are named by its content; errors give 12 digits of it.
    return stem[:12] if len(stem) == 64 else Path(file).name


def _cut(data: bytes, chosen: random.Random) -> bytes:
    return data[: chosen.randrange(len(data))]


def flipped(data: bytes, chosen: random.Random) -> bytes:
    """The bytes with one bit changed, such that it means something else."""
    changed = bytearray(data)
    changed[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
    # The e of a number and its E are the same number: no damage, so another bit is taken.
    return flipped(data, chosen) if _value(changed) == _value(data) else bytes(changed)


def _value(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return bytes(data)
