"""`datasets` opens pushed pairs, from the Hub and a folder, streamed or not; noise follows from the index."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SPEC, filled_store
from hub_commands import kdm
from loopback_hub import TOKEN, Hub
from picture_pairs import SCHEMA, filled, name_of

from storage.digest import digest_of, sha256_of, short
from storage.folders import folder_at
from storage.noise import derive_noise
from storage.store import PairStore

pytestmark = pytest.mark.peers

# In a process of its own, because the library reads the Hub's address as it is imported.
OPEN = """
import hashlib, json, sys
import numpy as np
from datasets import load_dataset
place, streams, field, number = sys.argv[1], sys.argv[2] == "streamed", sys.argv[3], int(sys.argv[4])
rows = list(load_dataset(place, split="train", streaming=streams))
row = rows[number]
value = np.asarray(row[field])
print(json.dumps({
    "rows": len(rows), "key": row["__key__"], "cls": row.get("cls"), "shape": value.shape,
    "sha256": hashlib.sha256(np.ascontiguousarray(value.astype(sys.argv[5])).tobytes()).hexdigest(),
}))
"""


def opened(hub: Hub, place: str, ways: str, field: str, number: int, dtype: str) -> Any:
    """What `datasets` finds in a row."""
    own = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", OPEN, place, ways, field, str(number), dtype],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout)


@pytest.fixture
def pictures(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PairStore:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    store = filled(folder_at(str(tmp_path / "mine" / "pairs" / name_of())))
    kdm("push", "pairs", "tiny-pictures", "ada/pictures", home=tmp_path / "mine")
    return store


@pytest.mark.parametrize("ways", ["streamed", "stored"])
@pytest.mark.parametrize("place", ["hub", "folder"])
def test_pictures_and_classes_are_those_of_the_store(
    place: str, ways: str, hub: Hub, pictures: PairStore, tmp_path: Path
) -> None:
    if place == "folder":
        for name, data in hub.files("ada/pictures", "datasets").items():
            (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "folder" / name).write_bytes(data)
    where = "ada/pictures" if place == "hub" else str(tmp_path / "folder")
    found = opened(hub, where, ways, "x_0.png", 13, "uint8")
    pairs = pictures.load(64).pairs
    assert (found["rows"], int(found["key"].rpartition("/")[2])) == (64, 13)
    assert found["cls"] == pairs.label[13]  # type: ignore[index]
    assert found["sha256"] == sha256_of(np.ascontiguousarray(pairs.x_0[13, 0]).tobytes())
    noise = derive_noise(SCHEMA.noise, "train", np.array([int(found["key"][-9:])]), SCHEMA.shape)
    assert np.array_equal(noise[0], pairs.x_T[13])


@pytest.mark.parametrize("has_view", [True, False])
def test_points_are_opened_one_by_one_or_as_the_shards_have_them(
    has_view: bool, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    name = f"points-{short(digest_of(SPEC))}"
    store = filled_store(folder_at(str(tmp_path / "mine" / "pairs" / name)), 512)
    options = [] if has_view else ["--no-view"]
    kdm("push", "pairs", "points", "ada/points", *options, home=tmp_path / "mine")
    found = opened(hub, "ada/points", "streamed", "x_0.npy", 1, "<f4")
    x_0 = store.load(512).pairs.x_0
    wanted = x_0[1] if has_view else x_0[255:511]  # of the two shards' records, the second
    assert found["rows"] == (511 if has_view else 2)
    assert found["shape"] == list(wanted.shape)
    assert found["sha256"] == sha256_of(np.ascontiguousarray(wanted).tobytes())
