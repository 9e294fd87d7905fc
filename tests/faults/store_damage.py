"""Damage to a set at rest, of every kind: found by name before use, and repaired byte for byte.

The set is made by a teacher that is known in closed form, so that a shard is made again in no time.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from faults.damage import flipped
from faults.digests import digests_of
from faults.judged import MASK, judge

from flows.care.repair import repair
from flows.care.sources import Sources
from pairgen.environment import environment
from pairgen.generation import generate_shard
from pairgen.samplers.heun import Heun
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.plugin import weights_digest
from pairgen.teachers.teacher import load_teacher
from storage.care.convert import convert
from storage.care.fault import Fault
from storage.care.garbage import waste_of
from storage.care.verify import faults, spec_faults
from storage.digest import short
from storage.errors import StoreError
from storage.folders import Folder, folder_at
from storage.records import NoiseRule, PairSchema
from storage.set_folder import places
from storage.store import PairStore

SHARD_SIZE = 64
NUM_SHARDS = {"train": 4, "heldout": 2}
LAYOUTS = {"wds": ("wds-64",), "zarr": ("zarr-64",), "both": ("wds-64", "zarr-64")}
NUM_FLIPS = 500
# Every kind of file; each is as likely to be struck, however many files there are of it.
KINDS = (
    "spec.json",
    "*/wds-*/shards/*.tar",
    "*/zarr-*/shards/x_0/c/*/*/*/*",
    "*/zarr-*/shards/index/c/*",
    "*/zarr-*/shards/**/zarr.json",
    "*/*/records/*.json",
    "*/*/manifests/*.json",
    "*/*/masks/*/filter.json",
    "*/*/masks/*/scores/*.json",
    "*/*/masks/*/decisions/*/decision.json",
    "*/*/masks/*/decisions/*/????????????????????*.json",
    "*/*/masks/*/audit/*/*.json",
)


class Injection(NamedTuple):
    """One thing done to a set: what, to which files, and how."""

    kind: str
    files: tuple[str, ...]  # below the set; one of them must be told
    do: Callable[[Path], None]
    detail: int = 0


@dataclass(frozen=True)
class Target:
    """A sound set, and what it holds."""

    home: Path
    name: str
    digests: dict[str, str]
    x_0: dict[str, np.ndarray]

    @property
    def folder(self) -> Path:
        """The set's folder."""
        return self.home / "pairs" / self.name


def make_target(home: Path, layouts: tuple[str, ...], *, seed: int = 3) -> Target:
    """A set of 4 and 2 shards in these layouts, with masks."""
    plugin = GaussianTeacher()
    teacher = TeacherIdentity(plugin=plugin, weights=weights_digest(plugin, None))
    # A sample in a hundred has a value beyond ±8.5, so some shards lack an index.
    pairs = PairSchema(shape=(3, 8, 8), noise=NoiseRule(seed=seed), value_range=(-8.5, 8.5))
    spec = PairSpec(teacher=teacher, sampler=Heun(num_steps=2), pairs=pairs)
    folder = folder_at(str(home / "pairs" / f"target-{short(spec.digest())}"))
    for split in NUM_SHARDS:
        store = PairStore.create(folder, spec.document(), split=split, layout=layouts[0])
        _fill(store, spec)
        for layout in layouts[1:]:
            convert(store, layout)
    return Target(home, folder.name, digests_of(home), _held(folder))


def _fill(store: PairStore, spec: PairSpec) -> None:
    weights = spec.teacher.weights
    teacher = load_teacher(spec.teacher.plugin, spec.pairs.shape, weights=None, digest=weights)
    made_by = environment(torch.device("cpu"), precision="float32", sampling_batch=SHARD_SIZE)
    for shard in range(NUM_SHARDS[store.split]):
        index = store.indices(shard)
        made = generate_shard(spec, teacher, store.split, index, sampling_batch=SHARD_SIZE)
        store.write(shard, made.pairs, dropped=made.dropped, environment=made_by)
    store.commit(NUM_SHARDS[store.split] * SHARD_SIZE)
    judge(store)


def stores_of(folder: Folder) -> list[PairStore]:
    """Every split in every layout, as a process finds it that has read nothing yet."""
    return [PairStore.open(folder, split=split, layout=layout) for split, layout in places(folder)]


def _held(folder: Folder) -> dict[str, np.ndarray]:
    return {
        f"{store.split}/{store.layout}": store.load(
            NUM_SHARDS[store.split] * SHARD_SIZE, [MASK]
        ).pairs.x_0
        for store in stores_of(folder)
    }


def injections(target: Target, other: Target) -> Iterator[Injection]:
    """All of them, always the same; `other` is a set of another seed."""
    yield from _cuts(target)
    yield from _flips(target)
    yield from _missing(target)
    yield from _swaps(target)
    yield from _added(target, other)


def inject(target: Target, work: Path, injection: Injection) -> list[str]:
    """Do it at `work`, a copy of the target's home that is as before afterwards; what went wrong."""
    folder = folder_at(str(work / "pairs" / target.name))
    injection.do(folder.local_path())
    wrong = _not_found(folder, injection) + _used(target, folder)
    _mend(target, folder, injection)
    if digests_of(work) != target.digests:
        wrong.append("not repaired")
        shutil.rmtree(work)
        shutil.copytree(target.home, work)
    return wrong


def _not_found(folder: Folder, injection: Injection) -> list[str]:
    told = spec_faults(folder) or [fault for store in stores_of(folder) for fault in faults(store)]
    names = {fault.file for fault in told}
    # Where a manifest was the only one, the folder is told: nothing is left that bears its name.
    folders = {str(Path(file).parent) for file in injection.files if "/manifests/" in file}
    return [] if names & {*injection.files, *folders} else ["not found"]


def _used(target: Target, folder: Folder) -> list[str]:
    """Whoever reads is refused, or gets what was written."""
    try:
        held = _held(folder)
    except (StoreError, ValueError):
        return []
    same = [np.array_equal(held[place], x_0) for place, x_0 in target.x_0.items()]
    return [] if all(same) else ["used"]


def _mend(target: Target, folder: Folder, injection: Injection) -> None:
    if spec_faults(folder):  # nothing else tells what a set is: it is restored
        folder.remove("spec.json")
        shutil.copy(target.folder / "spec.json", folder.local_path("spec.json"))
    means = Sources(folder_at(str(target.home)))
    for store in stores_of(folder):
        repair(store, faults(store), means, lambda done, total: None)
    for store in stores_of(folder):
        judge(store)  # as filter-pairs would
        for waste in waste_of(store, older_than=-5):
            folder.remove(waste.file)
    remaining: list[Fault] = [
        each for store in stores_of(folder) for each in faults(store, deep=True)
    ]
    assert remaining == [], (injection, remaining)


def _cuts(target: Target) -> Iterator[Injection]:
    """Every cut at 512 bytes of two shards of each layout."""
    for pattern in ("train/wds-*/shards/*.tar", "train/zarr-*/shards/x_0/c/*/*/*/*"):
        for file in sorted(target.folder.glob(pattern))[:2]:
            name = str(file.relative_to(target.folder))
            for length in range(0, file.stat().st_size, 512):
                yield Injection("cut", (name,), _cut(name, length), length)


def _cut(name: str, length: int) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:length])

    return do


def _flips(target: Target) -> Iterator[Injection]:
    groups = [files for files in map(_matching(target), KINDS) if files]
    for seed in range(NUM_FLIPS):
        name = random.Random(seed).choice(groups[seed % len(groups)])
        yield Injection("flip", (name,), _flip(name, seed), seed)


def _flip(name: str, seed: int) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(flipped(data, random.Random(seed)))

    return do


def _missing(target: Target) -> Iterator[Injection]:
    """Each file once: shards, chunks, records, manifests and all that filters wrote."""
    for pattern in KINDS:
        for name in _matching(target)(pattern):
            yield Injection("missing", (name,), lambda folder, name=name: (folder / name).unlink())


def _swaps(target: Target) -> Iterator[Injection]:
    for pattern in KINDS:
        files = _matching(target)(pattern)
        for first, second in pairwise(files):
            if (target.folder / first).read_bytes() != (target.folder / second).read_bytes():
                yield Injection("swapped", (first, second), _swap(first, second))


def _swap(first: str, second: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        kept = (folder / first).read_bytes()
        (folder / first).write_bytes((folder / second).read_bytes())
        (folder / second).write_bytes(kept)

    return do


def _added(target: Target, other: Target) -> Iterator[Injection]:
    """Files too many, and files of another set in place of this one's."""
    for place in target.x_0:
        shard = _matching(target)(f"{place}/shards/*.tar") or _matching(target)(
            f"{place}/shards/x_0/c/1/0/0/0"
        )
        source = shard[0]
        names = {
            "duplicate": f"{place}/shards/000001-{'0' * 12}.tar",
            "extra": f"{place}/shards/000009-{'0' * 12}.tar",
            "foreign": f"{place}/shards/shard.tar",
        }
        if "zarr" in place:
            names = {
                "extra": f"{place}/shards/x_0/c/9/0/0/0",
                "foreign": f"{place}/shards/x_1/c/1/0/0/0",
                "duplicate": f"{place}/shards/x_0/c/01/0/0/0",
            }
        for kind, name in names.items():
            yield Injection(kind, (name,), _copy(target.folder / source, name))
    for pattern in KINDS[1:7]:
        for name in _matching(target)(pattern):
            theirs = sorted(other.folder.glob(_like(name)))
            if theirs and theirs[0].read_bytes() != (target.folder / name).read_bytes():
                yield Injection("foreign", (name,), _copy(theirs[0], name))


def _like(name: str) -> str:
    """A pattern of the files that are this one's in another set: a tar has its digest in its name."""
    return f"{name[: -len('0123456789ab.tar')]}*" if name.endswith(".tar") else name


def _copy(source: Path, name: str) -> Callable[[Path], None]:
    data = source.read_bytes()

    def do(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return do


def _matching(target: Target) -> Callable[[str], list[str]]:
    folder = target.folder
    return lambda pattern: sorted(str(f.relative_to(folder)) for f in folder.glob(pattern))
