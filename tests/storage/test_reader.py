"""What a reader gives is a function of order, masks, batch size and position, and of nothing else."""

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from conftest import SPEC, filled_store, made_pairs
from made_shards import SCHEMAS, made_columns

from storage.errors import DamageError, StoreError
from storage.folders import Folder, folder_at
from storage.masks import Mask, decision_digest, write_decision
from storage.reading.cache import ShardCache
from storage.reading.order import Order, Position
from storage.reading.reader import PairReader
from storage.reading.share import Share
from storage.records import PairBatch, PairSchema, concatenate
from storage.shards import Shards
from storage.store import PairStore

COUNT, BATCH = 20_000, 80
ORDER = Order(seed=9, count=COUNT, window=2)
SCORE = "a" * 64
MASK = Mask(score=SCORE, decision=decision_digest(SCORE, 0.5))


@pytest.fixture(scope="module", params=["wds-1024", "wds-4096", "zarr-1024"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PairStore:
    return filled_store(folder_at(str(tmp_path_factory.mktemp("set"))), COUNT, request.param)


@pytest.fixture
def small(home: Folder) -> PairStore:
    return filled_store(home)


@pytest.fixture
def _rows_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny rows are read as large ones are."""
    monkeypatch.setattr("storage.reading.open_shard.SMALL_ROW", 0)


rows_in_files = pytest.mark.usefixtures("_rows_in_files")


def read(reader: PairReader, num_batches: int) -> list[PairBatch]:
    return [pairs for _, pairs in islice(reader, num_batches)]


def stream(order: Order, *, dropped: tuple[int, ...] = (7,), epochs: int = 3) -> np.ndarray:
    index = np.concatenate([order.epoch(epoch) for epoch in range(epochs)])
    return index[~np.isin(index, dropped)]


def judge(store: PairStore) -> None:
    """Drop every pair whose index is a multiple of 10."""
    for shard, content in enumerate(store.content_digests(1000)):
        keep = np.array(store.record(shard).kept_indices()) % 10 != 0
        write_decision(store.base / "masks", MASK, content, keep=keep, audit=[])


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("workers", [1, 2])
def test_any_ranks_and_workers_read_the_same_indices_in_any_layout(
    store: PairStore, ranks: int, workers: int
) -> None:
    batches = np.empty((COUNT // BATCH, ranks, BATCH // ranks), np.int64)
    for rank in range(ranks):
        for worker in range(workers):
            share = Share(rank, ranks, worker, workers)
            reader = PairReader(store, ORDER, BATCH, share=share, threads=0)
            mine = range(worker, len(batches), workers)
            batches[mine, rank] = [pairs.index for pairs in read(reader, len(mine))]
    assert np.array_equal(batches.ravel(), stream(ORDER)[:COUNT])


def test_a_reader_goes_on_from_every_997th_index(store: PairStore) -> None:
    for offset in range(0, COUNT, 997):
        reader = PairReader(store, ORDER, BATCH, threads=0, position=Position(1, offset))
        expected = [i for i in ORDER.epoch(1)[offset:] if i != 7][: 2 * BATCH]
        found = np.concatenate([pairs.index for pairs in read(reader, 2)])
        assert np.array_equal(found[: len(expected)], expected)


def test_the_position_behind_a_batch_is_where_the_next_begins(small: PairStore) -> None:
    judge(small)
    reader = PairReader(small, Order(4, 1000), 64, masks=(MASK,))
    whole = list(islice(reader, 40))
    for number, (position, _) in enumerate(whole[:-1]):
        following, pairs = next(iter(replace(reader, position=position)))
        assert following == whole[number + 1][0]
        assert np.array_equal(pairs.index, whole[number + 1][1].index)


def test_position_counts_indices_before_masks(small: PairStore) -> None:
    judge(small)
    position, pairs = next(iter(PairReader(small, Order(4, 1000), 64, masks=(MASK,))))
    passed = Order(4, 1000).epoch(0)[: position.offset]
    assert pairs.index.tolist() == [i for i in passed if i % 10 and i != 7]


@pytest.mark.parametrize("small_row", [0, 1000])
@pytest.mark.parametrize("layout", ["wds-16", "zarr-16"])
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_what_is_read_row_by_row_is_what_is_loaded_whole(
    home: Folder, layout: str, schema: PairSchema, small_row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.reading.open_shard.SMALL_ROW", small_row)
    spec = {"version": 1, "pairs": schema.model_dump(mode="json")}
    store = PairStore.create(home, spec, split="train", layout=layout)
    for shard in store.missing(64):
        columns = made_columns(schema, store.indices(shard)[1:])
        if schema.label is not None:
            columns["label"] %= schema.label.num_classes
        dropped = {"nan": [int(store.indices(shard)[0])]}
        store.write_columns(shard, columns, dropped=dropped, environment={})
    store.commit(64)
    loaded = store.load(60)
    found = concatenate(read(PairReader(store, Order(1, 60), 14), 8))
    expected = loaded.pairs.take(loaded.row_of_index[found.index])
    for name in ("index", "x_0", "x_T", "label", "states"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None and other is None) or (
            one.dtype == other.dtype and np.array_equal(one, other)
        )


def test_threads_change_nothing(small: PairStore) -> None:
    reader = PairReader(small, Order(4, 1000), 64)
    for each in (0, 3):
        batches = zip(read(reader, 40), read(replace(reader, threads=each), 40), strict=True)
        assert all(np.array_equal(one.x_T, other.x_T) for one, other in batches)


def test_a_batch_larger_than_the_set_runs_through_several_epochs(small: PairStore) -> None:
    order = Order(4, 20)
    (pairs,) = read(PairReader(small, order, 50), 1)
    assert np.array_equal(pairs.index, stream(order)[:50])


def test_a_short_last_shard_is_read_to_its_end(home: Folder) -> None:
    spec = {**SPEC, "rows": {"train": [0, 300]}}
    store = PairStore.create(home, spec, split="train", layout="zarr-256")
    for shard in store.missing(300):
        store.write(shard, made_pairs(store.indices(shard)), dropped={}, environment={})
    store.commit(300)
    (pairs,) = read(PairReader(store, Order(1, 300), 300), 1)
    assert sorted(pairs.index) == list(range(300))


def test_no_thread_outlives_a_reader(small: PairStore) -> None:
    before = threading.active_count()
    batches = iter(PairReader(small, Order(4, 1000), 64, threads=3))
    next(batches)
    batches.close()
    small.shards.remove(small.record(2).file)
    with pytest.raises(DamageError, match="missing"):
        read(PairReader(small, Order(4, 1000), 64, threads=3), 1)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [0, 2])
def test_a_damaged_shard_is_named_before_a_sample_of_it_is_given(
    small: PairStore, threads: int
) -> None:
    path = small.shards.local_path(small.record(1).file)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    fresh = replace(small, _verified=set())
    with pytest.raises(DamageError, match=path.name):
        read(PairReader(fresh, Order(4, 1000), 64, threads=threads), 1)


@rows_in_files
def test_a_shard_that_is_cut_while_it_is_read_is_named(small: PairStore) -> None:
    batches = iter(PairReader(small, Order(4, 1000), 64, threads=0))
    next(batches)
    path = small.shards.local_path(small.record(1).file)
    os.truncate(path, 1000)
    with pytest.raises(DamageError, match=f"{path.name} ends within a sample"):
        list(islice(batches, 20))
    with pytest.raises(DamageError, match=path.name):
        read(PairReader(small, Order(4, 1000), 64), 1)


def test_each_shard_is_hashed_once_a_process(
    small: PairStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(Shards, "require_bytes", lambda _, file, parts: hashed.append(file.name))
    fresh = replace(small, _verified=set())
    read(PairReader(fresh, Order(4, 1000), 64), 40)
    read(PairReader(fresh, Order(5, 1000), 64), 40)
    assert sorted(hashed) == sorted(small.shards.files())


@rows_in_files
def test_more_shards_than_a_process_may_open_are_read(home: Folder) -> None:
    store = filled_store(home, 2000, "wds-16")
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
    try:
        pairs = concatenate(read(PairReader(store, Order(1, 2000), 128), 30))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    assert np.array_equal(pairs.x_T, made_pairs(pairs.index).x_T)


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PairStore]:
    root = "memory://reader" if request.param == "memory" else request.getfixturevalue("s3")
    folder = folder_at(f"{root}/{tmp_path.name}")
    yield filled_store(folder)
    folder.remove("")


@rows_in_files
def test_a_remote_store_reads_as_a_local_one_by_way_of_the_cache(
    remote: PairStore, small: PairStore, tmp_path: Path
) -> None:
    judge(small)
    judge(remote)
    cache = ShardCache(tmp_path / "cache")
    readers = [
        PairReader(each, Order(4, 1000), 64, masks=(MASK,), cache=cache) for each in (small, remote)
    ]
    for local, fetched in zip(*(read(reader, 40) for reader in readers), strict=True):
        assert np.array_equal(local.index, fetched.index)
        assert np.array_equal(local.x_0, fetched.x_0)
    assert len(list((tmp_path / "cache").glob("?" * 64))) == 4


@rows_in_files
def test_a_cache_that_holds_one_window_only_does_and_a_smaller_one_is_refused(
    tmp_path: Path,
) -> None:
    store = filled_store(folder_at(f"memory://{tmp_path.name}"), 20_000, "wds-4096")
    order, most = Order(4, 20_000, window=1), store.record(1).num_bytes
    reader = PairReader(store, order, 128, cache=ShardCache(tmp_path / "cache", most))
    assert np.array_equal(
        np.concatenate([pairs.index for pairs in read(reader, 300)]), stream(order)[: 300 * 128]
    )
    with pytest.raises(StoreError, match="KDM_CACHE_BYTES"):
        read(replace(reader, cache=ShardCache(tmp_path / "cache", most - 1)), 1)


@pytest.mark.parametrize(
    "settings",
    [{"batch_size": 0}, {"batch_size": 3, "share": Share(0, 4)}, {"batch_size": 4, "threads": -1}],
)
def test_settings_that_cannot_be_are_refused(small: PairStore, settings: dict) -> None:
    with pytest.raises(ValueError, match=r"is -?[0-9]+; "):
        PairReader(small, Order(4, 1000), **settings)
    with pytest.raises(ValueError, match="must be 0 to 1"):
        Share(worker=2, workers=2)


def test_a_set_without_a_kept_row_is_refused(small: PairStore) -> None:
    for content in small.content_digests(5):
        keep = np.zeros(small.record(0).kept, bool)
        write_decision(small.base / "masks", MASK, content, keep=keep, audit=[])
    with pytest.raises(ValueError, match="filters dropped all"):
        read(PairReader(small, Order(4, 5), 2, masks=(MASK,)), 1)


PEAK = """
import itertools, psutil, sys
from storage.folders import folder_at
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

count, process = int(sys.argv[2]), psutil.Process()
store = PairStore.open(folder_at(sys.argv[1]), split="train", layout="wds-4096")
reader = PairReader(store, Order(0, count, window=1), 128, threads=2)
# Not ru_maxrss, which begins with what the parent had.
print(max(process.memory_info().rss for _ in itertools.islice(reader, count // 128)))
"""


def test_memory_does_not_grow_with_the_set(home: Folder) -> None:
    schema = PairSchema(shape=(3, 8, 16), x_0_dtype="float16")
    spec = {"version": 1, "pairs": schema.model_dump(mode="json")}
    store = PairStore.create(home, spec, split="train")
    for shard in store.missing(65_536):
        columns = {"index": store.indices(shard), "x_0": np.ones((4096, *schema.shape), "<f2")}
        store.write_columns(shard, columns, dropped={}, environment={})
    store.commit(65_536)
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", PEAK, home.url, str(count)]))
        for count in (16_384, 65_536)
    )
    assert many <= 1.1 * few
