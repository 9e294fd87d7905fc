"""Everyone's tools read the shards; nothing of ours is used to read."""

import io

import numpy as np
import webdataset
from conftest import filled_store, made_pairs

from storage.fs import Folder


def test_plain_webdataset_reads_the_tars(home: Folder) -> None:
    store = filled_store(home)
    urls = [f"file:{store.shards.path}/{name}" for name in store.shards.names()]
    records = list(webdataset.WebDataset(urls, shardshuffle=False))
    index = np.concatenate([np.load(io.BytesIO(record["index.npy"])) for record in records])
    x_0 = np.concatenate([np.load(io.BytesIO(record["x_0.npy"])) for record in records])
    assert np.array_equal(index, np.delete(np.arange(1024), 7))
    assert np.array_equal(x_0, made_pairs(index).x_0)


def test_x_T_is_one_documented_numpy_function_away(home: Folder) -> None:
    store = filled_store(home)
    key, counter = np.array([5, 0], np.uint64), np.array([0, 0, 12, 0], np.uint64)
    stream = np.random.RandomState(np.random.Philox(key=key, counter=counter))
    expected = stream.standard_normal(2).astype(np.float32)
    pairs = store.load(100).pairs
    assert np.array_equal(pairs.x_T[pairs.index == 12][0], expected)
