"""Sets of pairs on the Hub: whole shards come back byte for byte, what filters know stays here."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from conftest import SPEC, Finished, filled_store, made_pairs, write_shard
from faults.digests import assert_equal, digests_of
from hub_commands import kdm, only, refused
from huggingface_hub import DatasetCard
from loopback_hub import Hub
from picture_pairs import filled, name_of
from PIL import Image

from flows.api.pair_set import open_pairs
from flows.hub import push
from kdm.hub.hub_cache import named_folder
from storage.digest import digest_of, short
from storage.folders import folder_at
from storage.store import PairStore

NAME = f"points-{short(digest_of(SPEC))}"
PUSH = ("push", "pairs", "points", "ada/points")
PULL = ("pull", "pairs", "ada/points")


def points(home: Path, count: int = 512, layout: str = "wds-256") -> PairStore:
    return filled_store(folder_at(str(home / "pairs" / NAME)), count, layout)


def pictures(home: Path) -> PairStore:
    return filled(folder_at(str(home / "pairs" / name_of())))


def data_of(folder: Path) -> dict[str, str]:
    found = digests_of(folder)
    return {name: digest for name, digest in found.items() if name not in ("card.md", "pairs.png")}


@pytest.mark.parametrize("layout", ["wds-256", "zarr-256"])
def test_a_set_comes_back_with_equal_digests_and_verifies(
    layout: str, hub: Hub, tmp_path: Path
) -> None:
    points(tmp_path / "mine", layout=layout)
    kdm(*PUSH, home=tmp_path / "mine")
    kdm(*PULL, home=tmp_path / "theirs")
    here, there = (only(tmp_path / home / "pairs") for home in ("theirs", "mine"))
    assert here.name == there.name
    assert_equal(data_of(here), data_of(there))
    assert json.loads(kdm("pairs", "verify", NAME, "--json", home=tmp_path / "theirs"))["is_sound"]
    assert "holds" in kdm(*PULL, home=tmp_path / "theirs")


def test_a_set_whose_filters_drop_pairs_goes_whole_or_purged_and_no_score_travels(
    hub: Hub, finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "reports", "students")
    push_tiny = ("push", "pairs", "tiny", "ada/tiny", "--no-view")
    assert "and a push sends whole shards: remove them first" in refused(*push_tiny, home=home)
    assert not hub.repositories
    decision = next(only(home / "pairs").glob("train/wds-256/masks/*/decisions/*")).name
    threshold = json.loads(
        next(
            only(home / "pairs").glob("train/wds-256/masks/*/decisions/*/decision.json")
        ).read_text()
    )["threshold"]
    kdm("pairs", "purge", "tiny", "--decision", decision, "--yes", home=home)
    heldout = next(only(home / "pairs").glob("heldout/wds-256/masks/*/decisions/*"), None)
    kdm(*push_tiny, *(["--unmasked"] if heldout else []), home=home)
    sent = hub.files("ada/tiny", "datasets")
    assert not [name for name in sent if "masks" in name or "audit" in name or "claims" in name]
    text = b"".join(data for name, data in sent.items() if not name.endswith(".tar")).decode(
        errors="replace"
    )
    assert str(threshold) not in text
    assert '"score": null' in text
    kdm("pull", "pairs", "ada/tiny", home=tmp_path / "theirs")
    kdm("pairs", "verify", "tiny", "--deep", home=tmp_path / "theirs")


def test_a_set_that_never_stored_some_pairs_tells_which_and_why_without_scores(
    hub: Hub, tmp_path: Path
) -> None:
    spec = {**SPEC, "drop_at_write": [{"plugin": "near-copy"}]}
    folder = folder_at(str(tmp_path / "mine" / "pairs" / f"points-{short(digest_of(spec))}"))
    store = PairStore.create(folder, spec, split="train", layout="wds-256")
    index = np.delete(store.indices(0), 7)
    store.write(0, made_pairs(index), dropped={"near-copy": [7]}, environment={"device": "cpu"})
    row = {"index": 7, "reason": "near-copy", "score": 0.1234567, "threshold": 0.25}
    store.write_audit(0, [row])
    store.commit(256)
    kdm(*PUSH, home=tmp_path / "mine")
    sent = hub.files("ada/points", "datasets")
    assert b"near-copy" in sent["train/wds-256/audit/000000.json"]
    assert not [name for name, data in sent.items() if b"0.1234567" in data]
    kdm(*PULL, home=tmp_path / "theirs")
    kdm("pairs", "verify", "points", home=tmp_path / "theirs")


def test_the_viewer_gets_a_picture_and_a_class_of_each_pair(hub: Hub, tmp_path: Path) -> None:
    store = pictures(tmp_path)
    said = kdm("push", "pairs", "tiny-pictures", "lab/pictures", home=tmp_path)
    assert "and 1 for the viewer" in said
    sent = hub.files("lab/pictures", "datasets")
    card = DatasetCard(sent["README.md"].decode()).data.to_dict()
    assert card["configs"][0]["data_files"] == [{"split": "train", "path": "view/train-*.tar"}]
    assert card["dataset_info"]["splits"][0]["num_examples"] == 64
    (view,) = (name for name in sent if name.startswith("view/"))
    with tarfile.open(fileobj=io.BytesIO(sent[view])) as tar:
        members = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    pairs = store.load(64).pairs
    assert len(members) == 2 * 64
    assert int(members["000000013.cls"]) == pairs.label[13]  # type: ignore[index]
    shown = np.asarray(Image.open(io.BytesIO(members["000000013.x_0.png"])))
    assert np.array_equal(shown, pairs.x_0[13, 0])
    kdm("pull", "pairs", "lab/pictures", home=tmp_path / "theirs")
    assert not list((tmp_path / "theirs").rglob("view"))


def test_a_set_that_grew_is_sent_and_brought_by_its_new_shards_alone(
    hub: Hub, tmp_path: Path
) -> None:
    store = points(tmp_path / "mine")
    kdm(*PUSH, "--no-view", home=tmp_path / "mine")
    first = hub.repository("ada/points", "datasets").head
    kdm(*PULL, home=tmp_path / "theirs")
    write_shard(store, 2)
    store.commit(700)
    assert "sent 3 files" in kdm(*PUSH, "--no-view", home=tmp_path / "mine")
    hub.served.clear()
    kdm(*PULL, home=tmp_path / "theirs")
    assert len([path for path in hub.served if path.startswith("train/")]) == 3
    assert_equal(*(data_of(only(tmp_path / home / "pairs")) for home in ("theirs", "mine")))
    kdm(*PULL, "--revision", first, home=tmp_path / "older")
    assert len(list((tmp_path / "older").rglob("*.tar"))) == 2
    assert set(hub.arrived.values()) == {1}


def test_a_set_is_opened_by_its_name_on_the_hub_and_again_without_a_network(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = points(tmp_path / "mine")
    kdm(*PUSH, "--no-view", home=tmp_path / "mine")
    found = PairStore.open(named_folder("ada/points", "pairs"), split="train", layout="wds-256")
    for name in (
        "ada/points",
        f"hf://datasets/ada/points@{hub.repository('ada/points', 'datasets').head}",
    ):
        assert open_pairs(name).url == found.folder.url
    assert np.array_equal(found.load(512).pairs.x_0, store.load(512).pairs.x_0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert named_folder("ada/points", "pairs").url == found.folder.url


def changed(data: bytes) -> bytes:
    return data[:700] + bytes([data[700] ^ 1]) + data[701:]


@pytest.mark.parametrize(
    "file", ["spec.json", "records/000001.json", "manifests/000002.json", ".tar"]
)
def test_a_changed_file_of_a_set_is_refused_by_its_name(
    file: str, hub: Hub, tmp_path: Path
) -> None:
    points(tmp_path / "mine")
    kdm(*PUSH, "--no-view", home=tmp_path / "mine")
    files = hub.files("ada/points", "datasets")
    name = next(name for name in files if name.endswith(file))
    hub.replace("ada/points", name, changed(files[name] + b" " * 701), kind="datasets")
    assert name in refused(*PULL, home=tmp_path / "theirs")
    assert not list((tmp_path / "theirs").glob("pairs/points-*"))


def test_a_large_set_goes_in_several_commits_and_a_half_pushed_one_isnt_pulled(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "_FILES_A_COMMIT", 3)
    monkeypatch.setattr(push, "_FILES_AT_ONCE", 2)
    points(tmp_path / "mine", 1024)
    kdm(*PUSH, home=tmp_path / "mine")
    repository = hub.repository("ada/points", "datasets")
    assert len(repository.commits) > 4
    second = repository.commits[1][0]
    said = refused(*PULL, "--revision", second, home=tmp_path / "theirs")
    assert "its push isn't finished" in said
    kdm(*PULL, home=tmp_path / "theirs")
    assert_equal(*(data_of(only(tmp_path / home / "pairs")) for home in ("theirs", "mine")))
