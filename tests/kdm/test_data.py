"""Batches are a function of order, masks and position, from memory or from files."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from conftest import LAYOUT, filled_store
from torch.utils.data import DataLoader

from kdm.batch import Batch
from kdm.data import (
    PairDataset,
    Source,
    StreamedSource,
    as_float,
    pairs_source,
    points_source,
)
from kdm.training.errors import Interrupted
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob
from kdm.training.options import TrainingOptions
from kdm.training.run_job import run_job
from storage.folders import Folder, folder_at
from storage.masks import Mask, decision_digest, write_decision
from storage.options import parse
from storage.reading.order import Order, Position
from storage.reading.reader import PairReader
from storage.reading.share import Share
from storage.records import LabelRule, LoadedPairs, PairBatch, PairSchema
from storage.store import PairStore

SCORE = "a" * 64
MASK = Mask(score=SCORE, decision=decision_digest(SCORE, 0.5))


def loaded(count: int, dropped: list[int], dtype: str = "float32") -> LoadedPairs:
    index = np.setdiff1d(np.arange(count), dropped)
    row_of_index = np.full(count, -1)
    row_of_index[index] = np.arange(len(index))
    x_T = np.stack([index, -index], 1).astype(np.float32)
    return LoadedPairs(PairBatch(index, x_T, (x_T / 2).astype(dtype), index % 3), row_of_index)


def source(count: int = 100, dropped: list[int] | None = None, batch_size: int = 8) -> Source:
    return pairs_source(loaded(count, dropped or []), seed=4, batch_size=batch_size)


def read(some: Source, num_batches: int) -> list[list[int]]:
    return [some.next_batch().index.tolist() for _ in range(num_batches)]


def equal(one: Batch, other: Batch) -> bool:
    names = ("index", "x_0", "x_T", "label")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> PairStore:
    """Bytes with labels, some dropped at once and some by a mask."""
    schema = PairSchema(shape=(3, 8, 8), x_0_dtype="uint8", label=LabelRule(num_classes=3))
    spec = {"version": 1, "pairs": schema.model_dump(mode="json")}
    folder = folder_at(str(tmp_path_factory.mktemp("images")))
    store = PairStore.create(folder, spec, split="train", layout=LAYOUT)
    for shard in store.missing(1000):
        index = store.indices(shard)[3:]
        x_0 = np.random.RandomState(shard).randint(256, size=(len(index), 3, 8, 8))
        columns = {"index": index, "x_0": x_0.astype(np.uint8), "label": index % 3}
        dropped = {"nan": (index[0] - np.arange(3, 0, -1)).tolist()}
        content = store.write_columns(shard, columns, dropped=dropped, environment={})
        write_decision(
            store.base / "masks", MASK, content.content_digest, keep=index % 10 != 0, audit=[]
        )
    store.commit(1000)
    return store


def pairs_input(store: PairStore, **changes: object) -> PairsInput:
    named = {"url": store.folder.url, "layout": LAYOUT, "count": 900, "masks": (MASK,), **changes}
    return PairsInput(kind="pairs", **named)


def test_batches_follow_the_order_of_storage_across_epochs() -> None:
    order = Order(4, 100)
    expected = np.concatenate([order.epoch(epoch) for epoch in range(3)])
    assert np.concatenate(read(source(), 30)).tolist() == expected[:240].tolist()


def test_the_columns_of_a_batch_belong_to_its_indices() -> None:
    batch = source(dropped=[3, 50]).next_batch()
    assert torch.equal(batch.noise()[:, 0], batch.index.float())
    assert torch.equal(batch.x_0[:, 1], -batch.index / 2)
    assert batch.label is not None
    assert torch.equal(batch.label, batch.index % 3)


@pytest.mark.parametrize("num_read", range(40))
def test_a_source_that_goes_on_from_any_position_gives_the_same_batches(num_read: int) -> None:
    first, second = source(dropped=[0, 1, 7, 99]), source(dropped=[0, 1, 7, 99])
    read(first, num_read)
    second.seek(first.position)
    assert all(equal(first.next_batch(), second.next_batch()) for _ in range(15))
    assert first.position == second.position


def test_a_dropped_row_never_appears_and_every_batch_is_full() -> None:
    dropped = list(range(0, 100, 3))
    batches = read(source(dropped=dropped), 50)
    assert not set(dropped) & set(np.concatenate(batches).tolist())
    assert {len(batch) for batch in batches} == {8}


def test_position_counts_indices_before_masks() -> None:
    masked = source(dropped=Order(4, 100).epoch(0)[:10].tolist())
    masked.next_batch()
    assert masked.position == Position(0, 18)


def test_a_batch_larger_than_the_set_runs_through_several_epochs() -> None:
    (batch,) = read(source(count=5, dropped=[2], batch_size=11), 1)
    assert len(batch) == 11
    assert sorted(batch[:4]) == sorted(batch[4:8]) == [0, 1, 3, 4]


def test_a_source_without_a_kept_row_is_refused() -> None:
    with pytest.raises(ValueError, match="filters dropped all of"):
        source(count=4, dropped=[0, 1, 2, 3])


def test_bytes_become_minus_one_to_one_and_halves_keep_their_values() -> None:
    assert as_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    assert as_float(torch.tensor([0.25], dtype=torch.float16)).dtype == torch.float32
    batch = pairs_source(loaded(64, [], "float16"), seed=4, batch_size=8).next_batch()
    assert torch.equal(batch.x_0[:, 0], batch.index / 2)


def test_points_beyond_one_window_are_read_as_they_always_were() -> None:
    points = np.zeros((70_000, 2), np.float32)
    batch = points_source(points, seed=1, batch_size=len(points)).next_batch()
    always = Order(1, len(points), is_dealt=False).epoch(0)
    assert np.array_equal(batch.index.numpy(), always)
    assert not np.array_equal(always, Order(1, len(points)).epoch(0))


def test_points_have_no_noise() -> None:
    points = np.arange(20, dtype=np.float32).reshape(10, 2)
    batch = points_source(points, seed=0, batch_size=4).next_batch()
    assert batch.x_T is None
    assert torch.equal(batch.x_0[:, 0], 2.0 * batch.index)


def test_pairs_from_files_are_those_from_memory_bit_for_bit(images: PairStore) -> None:
    training, cpu = TrainingOptions(batch_size=64, seed=3), torch.device("cpu")
    memory = pairs_input(images).source(training, cpu)
    files = pairs_input(images, in_memory_bytes=0).source(training, cpu)
    assert isinstance(files, StreamedSource)
    assert not isinstance(memory, StreamedSource)
    for _ in range(40):
        assert equal(memory.next_batch(), files.next_batch())
        assert memory.position == files.position


def test_positions_are_the_same_from_memory_and_from_files(images: PairStore) -> None:
    training, cpu = TrainingOptions(batch_size=64, seed=3), torch.device("cpu")
    memory = pairs_input(images).source(training, cpu)
    files = pairs_input(images, in_memory_bytes=0).source(training, cpu)
    for offset in (0, 1, 450, 899, 900):
        for each in (memory, files):
            each.seek(Position(2, offset))
        assert all(equal(memory.next_batch(), files.next_batch()) for _ in range(3))
        assert memory.position == files.position


def test_pairs_go_into_memory_up_to_the_bytes_that_they_take(images: PairStore) -> None:
    training, cpu = TrainingOptions(batch_size=64), torch.device("cpu")
    num_bytes = 900 * (3 * 8 * 8 * (1 + 4) + 8 + 8)
    for most, is_streamed in ((num_bytes, False), (num_bytes - 1, True)):
        source = pairs_input(images, in_memory_bytes=most).source(training, cpu)
        assert isinstance(source, StreamedSource) == is_streamed


def train(home: Folder, place: str, *, in_memory_bytes: int, is_stopped: bool = False) -> None:
    pairs = {"kind": "pairs", "url": (home / "pairs").url, "layout": LAYOUT, "count": 300}
    description = {
        "group": "kdm.students",
        "model": {"plugin": "regression"},
        "source": {**pairs, "in_memory_bytes": in_memory_bytes},
        "training": {"num_steps": 8, "batch_size": 100, "checkpoint_every": 2},
        "folder": (home / place).url,
        "device": "cpu",
    }
    job = parse(TrainingJob, description, "job")
    if is_stopped:
        asked = iter([False] * 5 + [True])
        with pytest.raises(Interrupted):
            run_job(job, report=print, should_stop=lambda: next(asked))
    run_job(job, report=print)


def test_training_from_files_ends_with_the_bits_of_training_from_memory(home: Folder) -> None:
    filled_store(home / "pairs", 300)
    train(home, "memory", in_memory_bytes=2**30)
    train(home, "files", in_memory_bytes=0)
    train(home, "stopped", in_memory_bytes=0, is_stopped=True)
    for name in ("model.safetensors", "losses.json", "config.json"):
        data = (home / "memory").read(name)
        assert (home / "files").read(name) == data == (home / "stopped").read(name)


@pytest.fixture(scope="module", params=["wds-1024", "wds-4096"])
def many_pairs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PairStore:
    """10,000 pairs in several shards, the last one short."""
    return filled_store(folder_at(str(tmp_path_factory.mktemp("many"))), 10_000, request.param)


@pytest.mark.parametrize("ranks", [1, 4])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_of_ones_own_reads_the_readers_batches(
    many_pairs: PairStore, ranks: int, num_workers: int
) -> None:
    order = Order(seed=9, count=10_000, window=2)
    reader, found = PairReader(many_pairs, order, 200, threads=0), []
    for rank in range(ranks):
        dataset = PairDataset(replace(reader, share=Share(rank, ranks)))
        loader = DataLoader(dataset, batch_size=None, num_workers=num_workers)
        found.append([batch.index for _, batch in islice(loader, 50)])
    indices = torch.stack([torch.stack(each) for each in found], dim=1).flatten()
    expected = np.concatenate([order.epoch(epoch) for epoch in range(2)])
    assert indices.tolist() == expected[expected != 7][:10_000].tolist()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_loader_goes_on_from_the_last_position_however_its_workers_start(
    images: PairStore, start: str
) -> None:
    reader = PairReader(images, Order(3, 900), 64, masks=(MASK,))
    whole = list(islice(PairDataset(reader), 12))
    rest = PairDataset(replace(reader, position=whole[4][0]))
    loader = DataLoader(rest, batch_size=None, num_workers=2, multiprocessing_context=start)
    for (position, batch), (expected_position, expected) in zip(loader, whole[5:], strict=False):
        assert position == expected_position
        assert equal(batch, expected)
