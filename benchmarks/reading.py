"""Batches from the store's source against a loader of one item a call, CPU µs a sample, in one run.

The second is how the published checkerboard code reads: a dataset that is asked for one point at a
time, collated by torch's DataLoader.
"""

import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from kdm.data import pairs_source
from storage.fs import Folder
from storage.noise import derive_noise
from storage.records import NoiseRule, PairBatch, PairSchema
from storage.store import LoadedPairs, PairStore

COUNT, BATCH = 45_056, 4096


class OneByOne(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """One pair a call."""

    def __init__(self, pairs: PairBatch) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(self._pairs.x_T[row]), torch.from_numpy(self._pairs.x_0[row])


def table() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        store = _filled(Folder.at(folder))
        load = _cpu(lambda: store.load(COUNT))
        loaded = store.load(COUNT)
    source = _cpu(lambda: _epoch_of_source(loaded))
    loader = _cpu(lambda: _epoch_of_loader(loaded.pairs))
    yield "| reading | CPU µs a sample | ratio |"
    yield "|---|---:|---:|"
    yield f"| one item a call, DataLoader | {loader:.2f} | 1 |"
    yield f"| store source, in memory | {source:.3f} | {loader / source:.0f}× faster |"
    yield f"| opening: verify, decode, derive noise (once) | {load:.2f} | |"


def _filled(folder: Folder) -> PairStore:
    spec = {"version": 1, "pairs": PairSchema(shape=(2,)).model_dump(mode="json")}
    store = PairStore.create(folder, spec, split="train")
    for shard in store.missing(COUNT):
        index = store.indices(shard)
        x_T = derive_noise(NoiseRule(), "train", index, (2,))
        store.write(shard, PairBatch(index, x_T, np.tanh(x_T)), dropped={}, environment={})
    store.commit(COUNT)
    return store


def _epoch_of_source(loaded: LoadedPairs) -> None:
    source = pairs_source(loaded, seed=0, batch_size=BATCH)
    for _ in range(COUNT // BATCH):
        source.next_batch()


def _epoch_of_loader(pairs: PairBatch) -> None:
    for _ in DataLoader(OneByOne(pairs), batch_size=BATCH, shuffle=True):
        pass


def _cpu(run: Callable[[], object]) -> float:
    """The least CPU time of three runs, µs a sample."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        run()
        seconds.append(time.process_time() - started)
    return min(seconds) / COUNT * 1e6
