"""Reading pairs of 3×32×32, CPU µs a sample: the store against a loader of one file a pair, in one run.

The loader is how KDM's published pairs are read: one `.npz` a pair with both ends in float32, one
`numpy.load` an item, torch's DataLoader without workers. Everyone ends with the same two float32 tensors
a batch. Page cache warm, digests checked before, one core; the least of some rounds that take turns.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from kdm.data import Source, StreamedSource, pairs_source
from storage.folders import Folder, folder_at
from storage.noise import derive_noise
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.records import NoiseRule, PairSchema
from storage.store import PairStore

COUNT, BATCH, SHAPE = 20_480, 128, (3, 32, 32)
ROUNDS = 3
# A timing of the threads: short, so that some of many fall between other programs' work.
BATCHES = 40
DERIVED = PairSchema(
    shape=SHAPE, x_0_dtype="uint8", rounding="half-even", noise=NoiseRule(scale=80)
)
STORED = PairSchema(
    shape=SHAPE, x_0_dtype="float16", noise=NoiseRule(kind="stored"), x_T_dtype="float16"
)
SETS = {
    "x_T derived, x_0 uint8, tar": (DERIVED, "wds-4096", "≥ 1.6"),
    "x_T derived, x_0 uint8, tar of 256": (DERIVED, "wds-256", "≥ 1.6"),
    "both stored in float16, tar": (STORED, "wds-4096", "≥ 8"),
    "both stored in float16, Zarr": (STORED, "zarr-4096", "≥ 6"),
}


class FilesOfPairs(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """One pair a file, as published."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.glob("*.npz"))

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        ends = np.load(self._paths[number])["arr_0"]
        return torch.from_numpy(ends[0]), torch.from_numpy(ends[-1])


def table() -> Iterator[str]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        home = folder_at(temporary)
        stores = {name: _filled(home / name, *each[:2]) for name, each in SETS.items()}
        published = _published(home / "published")
        in_memory = pairs_source(
            stores["x_T derived, x_0 uint8, tar"].load(COUNT), seed=0, batch_size=BATCH
        )
        epochs: dict[str, Callable[[], None]] = {
            "one file a pair, DataLoader": lambda: _exhaust(published),
            **{name: _epoch_of(_streamed(store)) for name, store in stores.items()},
            "in memory (up to 1 GiB)": _epoch_of(in_memory),
        }
        microseconds = _least_cpu(epochs)
        one, two = _least_wall(stores["x_T derived, x_0 uint8, tar"])
    bars = {name: bar for name, (_, _, bar) in SETS.items()}
    whole = microseconds["one file a pair, DataLoader"]
    yield "| reading | CPU µs a sample | times as fast | bar |"
    yield "|---|---:|---:|---:|"
    for name, each in microseconds.items():
        yield f"| {name} | {each:.2f} | {whole / each:.1f} | {bars.get(name, '')} |"
    yield ""
    yield "| x_T derived, x_0 uint8, tar: wall µs a sample | | times as fast | bar |"
    yield "|---|---:|---:|---:|"
    yield f"| one thread makes batches | {one:.2f} | 1 | |"
    yield f"| two threads | {two:.2f} | {one / two:.2f} | ≥ 1.7 |"


def _filled(folder: Folder, schema: PairSchema, layout: str) -> PairStore:
    spec = {"version": 1, "pairs": schema.model_dump(mode="json")}
    store = PairStore.create(folder, spec, split="train", layout=layout)
    for shard in store.missing(COUNT):
        index = store.indices(shard)
        values = np.random.RandomState(shard).randint(256, size=(len(index), *SHAPE))
        columns = {"index": index, "x_0": values.astype(schema.x_0_dtype)}
        if schema is STORED:
            x_T = derive_noise(NoiseRule(scale=80), "train", index, SHAPE)
            columns["x_T"] = x_T.astype(schema.x_T_dtype)
        store.write_columns(shard, columns, dropped={}, environment={})
    store.commit(COUNT)
    return store


def _published(folder: Folder) -> DataLoader[tuple[torch.Tensor, torch.Tensor]]:
    place = folder.local_path()
    place.mkdir()
    ends = np.random.RandomState(0).standard_normal((2, *SHAPE)).astype(np.float32)
    for number in range(COUNT):
        np.savez(place / f"{number:06d}.npz", ends)
    return DataLoader(FilesOfPairs(place), batch_size=BATCH, shuffle=True)


def _streamed(store: PairStore, *, threads: int = 0) -> StreamedSource:
    return StreamedSource(PairReader(store, Order(0, COUNT), BATCH, threads=threads))


def _epoch_of(source: Source) -> Callable[[], None]:
    def epoch() -> None:
        for _ in range(COUNT // BATCH):
            source.next_batch()

    return epoch


def _exhaust(loader: DataLoader[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for _ in loader:
        pass


def _least_cpu(epochs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """µs a sample; the first round, which checks digests and fills the page cache, does not count."""
    least = dict.fromkeys(epochs, float("inf"))
    for number in range(1 + ROUNDS):
        for name, epoch in epochs.items():
            started = time.process_time()
            epoch()
            seconds = time.process_time() - started
            if number > 0:
                least[name] = min(least[name], seconds / COUNT * 1e6)
    return least


def _least_wall(store: PairStore) -> list[float]:
    """µs a sample with one and with two threads: the least of many short timings that take turns."""
    sources = [_streamed(store, threads=number) for number in (1, 2)]
    least = [float("inf"), float("inf")]
    for _ in range(1 + 10 * ROUNDS):
        for number, source in enumerate(sources):
            for _ in islice(iter(source.next_batch, None), 8):  # as many as may lie ready
                pass
            started = time.perf_counter()
            for _ in islice(iter(source.next_batch, None), BATCHES):
                pass
            seconds = time.perf_counter() - started
            least[number] = min(least[number], seconds / (BATCHES * BATCH) * 1e6)
    for source in sources:
        source.close()
    return least
