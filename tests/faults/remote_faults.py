"""Sets written and read through a proxy that loses, cuts, stalls and refuses one request in five."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from uuid import uuid4

import numpy as np
import pytest
from conftest import SPEC, filled_store
from faults.proxy import CUT_ANSWER, LOSE_ANSWER, PASS, RESET, STALL, endpoint_at, faulty

import storage.folders.remote_folder
import storage.folders.remote_systems
from storage.folders import Folder, folder_at
from storage.folders.remote_errors import told
from storage.store import PairStore

KINDS = (
    *("InternalError", "SlowDown", "TooManyRequests"),
    *(RESET, LOSE_ANSWER, CUT_ANSWER),
)
SHARE = 0.2
STALLED = 0.01  # each takes seconds
READ_TIMEOUT = 2.0
# What a request may take with all its attempts, whatever the server does (docs/remote.md).
LIMIT = 140.0
COUNT = 2000
AT_ONCE = 4


@dataclass
class Faults:
    """What is done to each request, by a seed; and what was."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0  # seconds of a request
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._chosen = random.Random(self.seed)

    def __call__(self, _method: str, _path: str) -> str:
        with self._lock:
            drawn = self._chosen.random()
            what = PASS
            if drawn < STALLED:
                what = STALL
            elif drawn < SHARE:
                what = self._chosen.choice(KINDS)
            self.counts[what] += 1
            return what

    @contextmanager
    def timed(self, done: str, url: str) -> Iterator[None]:
        """`told` of one request with all its attempts, whose seconds are noted."""
        began = time.monotonic()
        try:
            with told(done, url):
                yield
        finally:
            with self._lock:
                self.longest = max(self.longest, time.monotonic() - began)

    @property
    def num_injected(self) -> int:
        """Requests that something was done to."""
        return self.counts.total() - self.counts[PASS]


@contextmanager
def faulty_server(seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """The S3 server of the tests behind the faults of a seed."""
    faults = Faults(seed)
    config = {**storage.folders.remote_systems.S3_CONFIG, "read_timeout": READ_TIMEOUT}
    monkeypatch.setattr(storage.folders.remote_systems, "S3_CONFIG", config)
    monkeypatch.setattr(storage.folders.remote_folder, "told", faults.timed)
    with faulty(os.environ["AWS_ENDPOINT_URL"], faults) as url, endpoint_at(url):
        yield faults


def written_and_read(s3: str, golden: Folder) -> list[str]:
    """Write a set beside others at once, read it back; what is not as on a disk."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        places = [folder_at(f"{s3}/{uuid4().hex}") for _ in range(AT_ONCE)]
        return [
            fault
            for found in threads.map(lambda each: _one(each, golden), places)
            for fault in found
        ]


def _one(place: Folder, golden: Folder) -> list[str]:
    wrong: list[str] = []
    filled_store(place, COUNT)
    store = PairStore.open(place, split="train", layout="wds-256")
    loaded = store.load(COUNT).pairs
    expected = PairStore.open(golden, split="train", layout="wds-256").load(COUNT).pairs
    if not all(
        np.array_equal(getattr(loaded, name), getattr(expected, name)) for name in ("index", "x_0")
    ):
        wrong.append(f"{place.url}: other pairs")
    names, sizes = golden.files(), place.files()
    if sizes.keys() != names.keys():
        wrong.append(f"{place.url}: other files: {sorted(sizes.keys() ^ names.keys())}")
    for name, info in sizes.items():
        if name in names and name.endswith(".tar") and place.read(name) != golden.read(name):
            wrong.append(f"{place.url}/{name}: other bytes, {info.num_bytes}")
    return wrong


def local_golden(folder: Folder) -> Folder:
    """The same set on a disk."""
    filled_store(folder, COUNT)
    assert PairStore.open(folder, split="train", layout="wds-256").spec == SPEC
    return folder
