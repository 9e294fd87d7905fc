"""What a set asks of a bucket: requests by the shard, by the record, by the thousand names."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest
from conftest import SPEC, filled_store, write_shard

from storage.folders import Folder, folder_at
from storage.reading.cache import ShardCache
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

LAYOUT = "wds-256"
PUT, GET, HEAD, LIST = "PutObject", "GetObject", "HeadObject", "ListObjectsV2"


@pytest.fixture
def asked(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each operation was asked for since it was last cleared."""
    from aiobotocore.client import AioBaseClient

    counts: Counter[str] = Counter()
    ask = AioBaseClient._make_api_call

    async def counted(client, operation, arguments):
        counts[operation] += 1
        return await ask(client, operation, arguments)

    monkeypatch.setattr(AioBaseClient, "_make_api_call", counted)
    return counts


@pytest.fixture
def folder(s3: str) -> Folder:
    return folder_at(f"{s3}/{uuid4().hex}")


def test_each_shard_is_written_by_six_requests(folder: Folder, asked: Counter[str]) -> None:
    """Shard and record: each put, and read back; before, whether there is a record already."""
    store = PairStore.create(folder, SPEC, split="train", layout=LAYOUT)
    for shard in range(3):
        asked.clear()
        write_shard(store, shard)
        assert asked == {PUT: 2, GET: 2, HEAD: 1, LIST: 1}


@pytest.mark.parametrize("num_shards", [1, 4])
def test_what_is_missing_takes_two_listings_and_a_request_a_record(
    folder: Folder, asked: Counter[str], num_shards: int
) -> None:
    store = filled_store(folder, num_shards * 256)
    asked.clear()
    assert store.missing((num_shards + 2) * 256) == [num_shards, num_shards + 1]
    assert asked == {LIST: 2, GET: num_shards}


@pytest.mark.parametrize("num_shards", [1, 4])
def test_a_larger_set_is_committed_by_a_request_for_each_new_record(
    folder: Folder, asked: Counter[str], num_shards: int
) -> None:
    store = filled_store(folder, num_shards * 256)
    write_shard(store, num_shards)
    asked.clear()
    store.commit((num_shards + 1) * 256)
    # The manifest below, the new record, and the new manifest read back.
    assert asked == {LIST: 3, GET: 3, PUT: 1}


@pytest.mark.parametrize("num_shards", [1, 4])
def test_a_set_is_opened_by_as_many_requests_whatever_its_size(
    folder: Folder, asked: Counter[str], num_shards: int
) -> None:
    filled_store(folder, num_shards * 256)
    asked.clear()
    PairStore.open(folder, split="train", layout=LAYOUT).manifest(num_shards * 256)
    assert asked == {HEAD: 2, GET: 2, LIST: 4}  # two ask for purges, of which there are none


def test_a_window_is_read_by_a_request_for_each_of_its_records_and_shards(
    folder: Folder, asked: Counter[str], tmp_path: Path
) -> None:
    store = filled_store(folder, 1024)
    reader = PairReader(store, Order(seed=0, count=1024), 128, cache=ShardCache(tmp_path))
    asked.clear()
    assert len(list(islice(reader, 7))) == 7
    # The first two are the manifest's, found and read.
    assert asked == {LIST: 1, GET: 1 + 2 * 4}


def test_a_listing_takes_a_request_for_each_thousand_names(
    folder: Folder, asked: Counter[str]
) -> None:
    names = [f"{number:06d}" for number in range(1001)]
    put_empty(folder, names)
    asked.clear()
    assert folder.names() == names
    assert asked == {LIST: 2}


def put_empty(folder: Folder, names: list[str]) -> None:
    """Into the memory of the server, which runs in this process."""
    from moto.s3.models import s3_backends

    bucket, prefix = folder.url.removeprefix("s3://").split("/", 1)
    server = s3_backends["123456789012"]["aws"]  # the account of everybody there
    for name in names:
        server.put_object(bucket, f"{prefix}/{name}", b"")
