"""Exports that are served over http and read by plain webdataset with one cache for all of them."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import webdataset
from conftest import SPEC, made_pairs

from storage.exporters.as_per_sample import export_per_sample
from storage.exporters.export import Chosen
from storage.folders import Folder, folder_at
from storage.store import PairStore


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """A line a request would stand between the dots of the tests."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def split_of(folder: Folder, split: str) -> PairStore:
    store = PairStore.create(folder, SPEC, split=split, layout="wds-256")
    pairs = made_pairs(store.indices(0))
    x_0 = pairs.x_0 + (split == "heldout")
    pairs = type(pairs)(pairs.index, pairs.x_T, x_0.astype(np.float32))
    store.write(0, pairs, dropped={}, environment={"device": "cpu"})
    store.commit(256)
    return store


@pytest.mark.skipif(shutil.which("curl") is None, reason="webdataset fetches with curl")
def test_webdatasets_cache_never_gives_one_split_for_another(
    home: Folder, tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "cache").mkdir()
    for split in ("train", "heldout"):
        store, place = split_of(home / "set", split), tmp_path / "served" / split
        export_per_sample(Chosen.of(store, 256), folder_at(str(place)))
        (tar,) = [path.name for path in place.glob("*.tar")]
        samples = webdataset.WebDataset(
            f"{served}/{split}/{tar}", cache_dir=str(tmp_path / "cache"), shardshuffle=False
        )
        found = np.stack([sample["x_0.npy"] for sample in samples.decode()])
        assert np.array_equal(found, store.load(256).pairs.x_0)
    assert len(list((tmp_path / "cache").rglob("*.tar"))) == 2
