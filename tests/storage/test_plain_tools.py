"""Everyone's tools read the shards; nothing of ours is used to read."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import zarr
from conftest import filled_store, made_pairs

from storage.digest import sha256_of
from storage.folders import Folder, folder_at
from storage.store import PairStore

# Each reads all shards at a URL by one library, derives the noise by numpy alone, prints digests.
READ_ZARR = """
import zarr
group = zarr.open_group(sys.argv[1], mode="r")
index = group["index"][:]
found = {"index": index[index >= 0], "x_0": group["x_0"][:][index >= 0]}
noise = group.attrs["noise"]
"""
READ_TARS = """
import webdataset
webdataset.gopen_schemes["s3"] = lambda url, mode="rb", size=8192: fsspec.open(url, mode).open()
files = fsspec.open_files(sys.argv[1] + "/*.tar")
urls = sorted(file.full_name for file in files)
records = list(webdataset.WebDataset(urls, shardshuffle=False))
names = ("index", "x_0")
found = {n: np.concatenate([np.load(io.BytesIO(r[n + ".npy"])) for r in records]) for n in names}
noise = {"seed": 5, "scale": 1.0}
"""
BEFORE = """
import hashlib, io, json, sys
import fsspec
import numpy as np
"""
AFTER = """
def x_T(i, n, split=0):
    key, counter = np.array([noise["seed"], split], np.uint64), np.array([0, 0, i, 0], np.uint64)
    stream = np.random.RandomState(np.random.Philox(key=key, counter=counter))
    return np.float32(stream.standard_normal(n) * noise["scale"])

found["x_T"] = np.stack([x_T(i, 2) for i in found["index"]])
ours = {"storage", "kdm", "pairgen", "flows"} & {name.split(".")[0] for name in sys.modules}
digests = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in found.items()}
print(json.dumps({"ours": sorted(ours), "digests": digests}))
"""


def read_by(script: str, url: str) -> Mapping[str, Any]:
    """What a process prints that can import nothing from the folder of this project."""
    command = [sys.executable, "-I", "-c", BEFORE + script + AFTER, url]
    ended = subprocess.run(command, check=True, capture_output=True, timeout=100)
    return dict(json.loads(ended.stdout))


def expected_of(store: PairStore) -> Mapping[str, Any]:
    pairs = store.load(1024).pairs
    arrays = {"index": pairs.index, "x_0": pairs.x_0, "x_T": pairs.x_T}
    digests = {name: sha256_of(array.tobytes()) for name, array in arrays.items()}
    return {"ours": [], "digests": digests}


@pytest.mark.parametrize(
    ("script", "layout"), [(READ_ZARR, "zarr-256"), (READ_TARS, "wds-256")], ids=["zarr", "wds"]
)
def test_plain_tools_read_the_same_arrays_from_a_disk(
    home: Folder, script: str, layout: str
) -> None:
    store = filled_store(home, layout=layout)
    assert read_by(script, store.shards.url) == expected_of(store)


@pytest.mark.parametrize(
    ("script", "layout"), [(READ_ZARR, "zarr-256"), (READ_TARS, "wds-256")], ids=["zarr", "wds"]
)
def test_plain_tools_read_the_same_arrays_from_s3(s3: str, script: str, layout: str) -> None:
    store = filled_store(folder_at(f"{s3}/plain-{layout}"), layout=layout)
    assert read_by(script, store.shards.url) == expected_of(store)


def test_plain_zarr_reads_the_same_arrays_from_memory() -> None:
    store = filled_store(folder_at("memory://plain/set"), layout="zarr-256")
    group = zarr.open_group(store.shards.url, mode="r")
    index = np.asarray(group["index"])
    assert np.array_equal(index[index >= 0], np.delete(np.arange(1024), 7))
    assert np.array_equal(np.asarray(group["x_0"])[index >= 0], made_pairs(index[index >= 0]).x_0)


def test_plain_zarr_sees_all_that_is_frozen_and_no_more(home: Folder) -> None:
    for count, length in [(256, 256), (1000, 1024), (600, 1024)]:
        store = filled_store(home, count, "zarr-256")
        assert zarr.open_group(store.shards.url, mode="r")["x_0"].shape == (length, 2)


def test_a_missing_shard_of_a_plain_zarr_shows_in_its_index(home: Folder) -> None:
    store = filled_store(home, layout="zarr-256")
    store.shards.remove("index/c/2")
    index = np.asarray(zarr.open_group(store.shards.url, mode="r")["index"])
    assert set(index[512:768].tolist()) == {-1}
