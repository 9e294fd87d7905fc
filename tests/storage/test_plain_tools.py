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

# Each reads all shards at its URLs by one library, derives the noise by numpy alone, prints digests.
READ_ZARR = """
import zarr

def read(url):
    group = zarr.open_group(url, mode="r")
    index = group["index"][:]
    found = {"index": index[index >= 0], "x_0": group["x_0"][:][index >= 0]}
    return found, group.attrs["noise"]
"""
READ_TARS = """
import webdataset
webdataset.gopen_schemes["s3"] = lambda url, mode="rb", size=8192: fsspec.open(url, mode).open()

def read(url):
    files = fsspec.open_files(url + "/*.tar")
    urls = sorted(file.full_name for file in files)
    records = list(webdataset.WebDataset(urls, shardshuffle=False))
    arrays = {n: [np.load(io.BytesIO(r[n + ".npy"])) for r in records] for n in ("index", "x_0")}
    found = {n: np.concatenate(each) for n, each in arrays.items()}
    return found, {"seed": 5, "scale": 1.0}
"""
BEFORE = """
import hashlib, io, json, sys
import fsspec
import numpy as np
"""
AFTER = """
def x_T(noise, i, n, split=0):
    key, counter = np.array([noise["seed"], split], np.uint64), np.array([0, 0, i, 0], np.uint64)
    stream = np.random.RandomState(np.random.Philox(key=key, counter=counter))
    return np.float32(stream.standard_normal(n) * noise["scale"])

for url in sys.argv[1:]:
    found, noise = read(url)
    found["x_T"] = np.stack([x_T(noise, i, 2) for i in found["index"]])
    ours = {"storage", "kdm", "pairgen", "flows"} & {name.split(".")[0] for name in sys.modules}
    digests = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in found.items()}
    print(json.dumps({"ours": sorted(ours), "digests": digests}))
"""


def read_by(script: str, *urls: str) -> list[Mapping[str, Any]]:
    """What a process prints of each URL; it can import nothing from the folder of this project."""
    command = [sys.executable, "-I", "-c", BEFORE + script + AFTER, *urls]
    ended = subprocess.run(command, check=True, capture_output=True, timeout=100)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def expected_of(store: PairStore) -> Mapping[str, Any]:
    pairs = store.load(1024).pairs
    arrays = {"index": pairs.index, "x_0": pairs.x_0, "x_T": pairs.x_T}
    digests = {name: sha256_of(array.tobytes()) for name, array in arrays.items()}
    return {"ours": [], "digests": digests}


@pytest.mark.parametrize(
    ("script", "layout"), [(READ_ZARR, "zarr-256"), (READ_TARS, "wds-256")], ids=["zarr", "wds"]
)
def test_plain_tools_read_the_same_arrays_from_a_disk_and_from_s3(
    home: Folder, s3: str, script: str, layout: str
) -> None:
    """In one process: it takes a second or two to import what reads."""
    folders = (home, folder_at(f"{s3}/plain-{layout}"))
    stores = [filled_store(folder, layout=layout) for folder in folders]
    found = read_by(script, *(store.shards.url for store in stores))
    assert found == [expected_of(store) for store in stores]


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
