"""Where pairs lie while a student learns from them: on the GPU, in memory or in files, and what is said."""

import numpy as np
import pytest
import torch
from picture_pairs import LAYOUT, filled

from kdm.batch import Batch
from kdm.data import MemorySource, StreamedSource, resident_source
from kdm.training.inputs import PairsInput, Place
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from storage.folders import Folder
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

CPU, GPU = torch.device("cpu"), torch.device("cuda")
COUNT = 100
NUM_BYTES = COUNT * (8 * 8 * (1 + 4) + 8 + 8)  # x_0 and x_T, index and label


@pytest.fixture
def store(home: Folder) -> PairStore:
    return filled(home / "pairs", count=COUNT)


def pairs(store: PairStore, **changes: object) -> PairsInput:
    named = {"url": store.folder.url, "layout": LAYOUT, "count": COUNT, **changes}
    return PairsInput(kind="pairs", **named)


def equal(one: Batch, other: Batch) -> bool:
    names = ("index", "x_0", "x_T", "label")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize(
    ("free", "in_memory", "place"),
    [
        (4 * NUM_BYTES, 0, "GPU"),
        (4 * NUM_BYTES - 1, NUM_BYTES, "memory"),
        (4 * NUM_BYTES - 1, NUM_BYTES - 1, "files"),
    ],
)
def test_pairs_go_onto_a_gpu_up_to_a_quarter_of_its_free_memory(
    store: PairStore, monkeypatch: pytest.MonkeyPatch, free: int, in_memory: int, place: Place
) -> None:
    monkeypatch.setattr("kdm.training.inputs._free_bytes", lambda device: free)
    assert pairs(store, in_memory_bytes=in_memory).place(GPU) == place


def test_without_a_gpu_pairs_lie_in_memory_or_in_files(store: PairStore) -> None:
    assert pairs(store, on_gpu_share=1).place(CPU) == "memory"
    assert pairs(store, in_memory_bytes=NUM_BYTES - 1).place(CPU) == "files"


def test_where_they_lie_is_said_once(store: PairStore) -> None:
    said: list[Notice] = []
    training = TrainingOptions(batch_size=8)
    pairs(store).source(training, CPU, notify=said.append)
    pairs(store, in_memory_bytes=0).source(training, CPU, notify=said.append)
    assert [each.notice for each in said] == [
        f"100 pairs ({NUM_BYTES:,} bytes) lie in memory",
        f"100 pairs ({NUM_BYTES:,} bytes) are read from files as they are needed",
    ]


def test_batches_are_sent_to_the_device_that_computes(store: PairStore) -> None:
    reader = PairReader(store, Order(3, COUNT), 16)
    batch = resident_source(reader, lie_on=CPU, device=torch.device("meta")).next_batch()
    assert {batch.x_0.device.type, batch.noise().device.type, batch.index.device.type} == {"meta"}


def test_pairs_that_are_decoded_shard_by_shard_are_those_from_files(store: PairStore) -> None:
    reader = PairReader(store, Order(3, COUNT), 16)
    resident, streamed = resident_source(reader, lie_on=CPU), StreamedSource(reader)
    for _ in range(20):
        assert equal(resident.next_batch(), streamed.next_batch())
        assert resident.position == streamed.position


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("lie_on", [CPU, GPU])
def test_on_a_gpu_batches_are_those_of_the_cpu(store: PairStore, lie_on: torch.device) -> None:
    reader = PairReader(store, Order(3, COUNT), 16)
    there = resident_source(reader, lie_on=lie_on, device=GPU)
    streamed = StreamedSource(reader, GPU)
    for _ in range(20):
        assert equal(there.next_batch(), streamed.next_batch())


def test_a_set_of_which_nothing_is_kept_is_refused() -> None:
    columns = {"x_0": torch.zeros(0, 2)}
    nothing = np.full(4, -1, np.int64)
    with pytest.raises(ValueError, match="filters dropped all of"):
        MemorySource(columns, row_of_index=nothing, order=Order(0, 4), batch_size=2)
