"""`kdm filter-pairs`: the public page of what was dropped, and the private one of which pairs these are."""

import json
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from browser import faults_of, needs_browser
from picture_pairs import LAYOUT, NUM_CLASSES, SCHEMA, SPEC
from planted_copies import kdm
from random_textures import textures

from flows.documents.filtered_files import write_private
from storage.digest import digest_of, short, unseal
from storage.folders import Folder, folder_at
from storage.noise import derive_noise
from storage.records import PairBatch
from storage.store import PairStore

NUM, NUM_REAL, NUM_HELDOUT = {"train": 192, "heldout": 64}, 300, 100
# Copies by the pair's index in 'train': the row of the training set, and whether it is mirrored.
COPIES = {3: (7, False), 70: (11, True), 130: (12, False)}
NOISY = {9: (20, False)}  # no longer equal
REPEATED = {100: 40, 150: 40}  # of the set's own pairs
RULES = """filters=[
  {filter: {plugin: exact}, fpr: 0.05, jointly: true},
  {filter: {plugin: pixel-nn, num_neighbours: 5}, fpr: 0.05, jointly: true},
  {filter: {plugin: near-duplicate}, fpr: 0.05, jointly: true}]"""


class Made(NamedTuple):
    """A home with a filtered set, and the command that filtered it."""

    home: Folder
    words: tuple[str, ...]
    said: str

    @property
    def folder(self) -> Folder:
        (name,) = (self.home / "filtered").names()
        return self.home / "filtered" / name

    def numbers(self) -> dict[str, Any]:
        return unseal(self.folder.read("numbers.json"), "numbers.json")

    def private(self) -> dict[str, Any]:
        pairs = unseal((self.folder / "private").read("pairs.json"), "pairs.json")
        return {each["name"]: each for each in pairs["filters"]}

    def again(self, *more: str) -> str:
        ended = kdm(*self.words, *more)
        assert ended.exit_code == 0, (ended.output, ended.exception)
        return str(ended.stdout)


def as_bytes(x: np.ndarray) -> np.ndarray:
    return np.rint(127.5 * x + 127.5).astype(np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Textures with copies in them, filtered under umask 0 with a private page."""
    place = tmp_path_factory.mktemp("filtered")
    home, real = (
        folder_at(str(place / "home")),
        as_bytes(textures(NUM_REAL, 0, side=8, num_channels=1)),
    )
    np.save(place / "real.npy", real)
    np.save(place / "heldout.npy", as_bytes(textures(NUM_HELDOUT, 9, side=8, num_channels=1)))
    folder = home / "pairs" / f"textures-{short(digest_of(SPEC))}"
    for seed, (split, num) in enumerate(NUM.items(), start=1):
        x_0 = as_bytes(textures(num, seed, side=8, num_channels=1))
        if split == "train":
            for index, (row, is_mirrored) in (COPIES | NOISY).items():
                x_0[index] = real[row][..., ::-1] if is_mirrored else real[row]
            x_0[list(NOISY), 0, 0, :2] ^= 1
            x_0[list(REPEATED)] = x_0[list(REPEATED.values())]
        store = PairStore.create(folder, SPEC, split=split, layout=LAYOUT)
        for shard in store.missing(num):
            index = store.indices(shard)
            x_T = derive_noise(SCHEMA.noise, split, index, SCHEMA.shape)
            pairs = PairBatch(index, x_T, x_0[index], index % NUM_CLASSES)
            store.write(shard, pairs, dropped={}, environment={})
        store.commit(num)
    words = ("filter-pairs", folder.name, "--reference", f"{place}/real.npy", "--direct")
    words += (
        "--set",
        f"dataset.heldout_source={place}/heldout.npy",
        "--set",
        RULES,
        "--home",
        home.url,
    )
    before = os.umask(0)
    try:
        ended = kdm(*words, "--private")
    finally:
        os.umask(before)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return Made(home, words, ended.stdout)


def test_counts_by_reason_split_and_class_add_up_to_the_set(made: Made) -> None:
    numbers = made.numbers()
    for of in numbers["splits"]:
        assert of["kept"] + of["masked"] + sum(of["unstored"].values()) == NUM[of["split"]]
    assert sum(judged for _, judged, _ in numbers["classes"]) == sum(NUM.values())
    masked = sum(of["masked"] for of in numbers["splits"])
    assert sum(dropped for *_, dropped in numbers["classes"]) == masked
    by_reason = [each["dropped"]["train"] for each in numbers["filters"]]
    assert by_reason[0] == {"exact": len(COPIES)}
    assert by_reason[2] == {"near-duplicate": len(REPEATED)}
    table = {line.split("  ")[0]: line.split() for line in made.said.splitlines() if line}
    assert table["exact"][1:3] == ["3", "1.56%"]
    assert table["all"][1:] == ["192", "64"]
    assert f"page: {made.folder.url}/index.html" in made.said


def test_the_private_page_shows_each_copy_beside_its_source(made: Made) -> None:
    found = made.private()
    exact = {each["index"]: each["near"] for each in found["exact"]["pairs"]}
    assert {index: (near["row"], near["is_mirrored"]) for index, near in exact.items()} == COPIES
    assert {(near["of"], near["distance"]) for near in exact.values()} == {("training", 0.0)}
    nearest = {
        each["index"]: (each["near"]["row"], each["near"]["is_mirrored"])
        for each in found["pixel-nn"]["pairs"]
        if each["split"] == "train"
    }
    assert nearest.items() >= (COPIES | NOISY).items()
    stayed = {each["index"]: each["near"]["row"] for each in found["near-duplicate"]["pairs"]}
    assert stayed == REPEATED
    assert {each["near"]["of"] for each in found["near-duplicate"]["pairs"]} == {"train"}
    for each in found.values():
        scores = [pair["score"] for pair in each["pairs"]]
        assert scores == sorted(scores, reverse=each["name"] == "exact")
        assert len(scores) == each["num_dropped"]


def test_the_private_part_is_for_its_user_alone_whatever_the_umask(made: Made) -> None:
    private = made.folder.local_path("private")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in private.iterdir()}
    assert modes == {"index.html": 0o600, "pairs.json": 0o600}
    assert str(private / "index.html") in made.said


def test_the_public_page_has_no_picture_of_a_sample_and_no_score_of_one(made: Made) -> None:
    page, numbers = made.folder.read("index.html").decode(), made.numbers()
    assert page.count("<img") == sum(
        bool(each["steps"] or each["real_steps"]) for each in numbers["filters"]
    )
    public = page + made.folder.read("numbers.json").decode()
    scores = {pair["score"] for each in made.private().values() for pair in each["pairs"]}
    told = [score for score in scores - {0.0, 1.0} if f"{score:.5g}" in public]
    assert len(scores) > 3
    assert told == []
    for each in numbers["filters"]:
        for steps, total in (("steps", "num_pairs"), ("real_steps", "num_real")):
            counts = [0, *(num for _, num in each[steps]), each[total]]
            assert len(counts) == 2 or np.diff(counts).min() >= 20


def test_rates_are_stated_and_measured_with_exact_intervals(made: Made) -> None:
    numbers = made.numbers()
    joint, others = numbers["mistakes"], numbers["mistakes_on_others"]
    assert {each["joint_fpr"] for each in numbers["filters"]} == {0.05}
    assert (joint["of"], others["of"]) == (NUM_HELDOUT, NUM_HELDOUT // 2)
    assert 0 < joint["count"] <= 0.05 * NUM_HELDOUT
    assert joint["low"] < joint["count"] / NUM_HELDOUT < joint["high"]
    page = made.folder.read("index.html").decode()
    assert "together they may drop 5% of real samples" in page
    assert "kdm privacy test" in page  # no copy was planted yet


def test_nothing_is_made_twice(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.filter_pages.filtered_numbers", None)
    monkeypatch.setattr("flows.filter_pages.dropped_pairs", None)
    before = made.home.files()
    assert made.again("--private") == made.said
    assert made.home.files() == before


@pytest.mark.parametrize("killed_in", ["numbers.json", "private", "private/index.html"])
def test_a_killed_command_goes_on_and_gives_the_same_bytes(
    made: Made, killed_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made.folder
    before = {name: folder.read(name) for name in folder.files()}
    folder.remove(killed_in)
    with monkeypatch.context() as patch:
        patch.setattr("flows.documents.filtered_files.seal", None)  # the last write isn't reached
        assert isinstance(kdm(*made.words, "--private").exception, TypeError)
    made.again("--private")
    assert {name: folder.read(name) for name in folder.files()} == before
    assert stat.S_IMODE(folder.local_path("private/pairs.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("opened", ["index.html", "pairs.json", ""])
def test_a_private_part_that_others_may_read_is_private_again(made: Made, opened: str) -> None:
    private = made.folder.local_path("private")
    (private / opened).chmod(0o755)
    made.again("--private")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in private.iterdir()} == {0o600}


def test_ls_names_the_page_and_rm_removes_its_private_part_too(made: Made, tmp_path: Path) -> None:
    said = kdm("ls", "--home", made.home.url).output
    assert "filtered\n  name" in said
    assert "with a private part" in said
    copy = folder_at(str(tmp_path)) / "filtered" / made.folder.name
    for name in made.folder.files():
        copy.replace(name, made.folder.read(name))
    assert kdm("rm", "filtered-textures", "--yes", "--home", str(tmp_path)).exit_code == 0
    assert not (tmp_path / "filtered" / made.folder.name).exists()


def test_a_private_page_of_no_filter_is_refused(made: Made) -> None:
    error = kdm(*made.words, "--private", "--set", "filters=[]", "--mask", "none").exception
    assert "has no filters" in str(error)


def test_what_cannot_be_shown_or_tried_is_refused_before_a_teacher_is_trained(
    tmp_path: Path,
) -> None:
    home = ("--direct", "--home", str(tmp_path / "home"))
    unfiltered = ("--set", "privacy.required=false", "--set", "filters=[]")
    private = kdm("filter-pairs", "tiny", *home, *unfiltered, "--private").exception
    assert "has no filters" in str(private)
    points = kdm("privacy", "test", "tiny", *home[1:]).exception
    assert "'tiny' have shape [2]; name a recipe or a set of pictures" in str(points)
    assert not (tmp_path / "home").exists()


def test_a_private_part_can_lie_in_a_bucket() -> None:
    folder = folder_at("memory://filtered-in-a-bucket")
    write_private(folder, {"pairs": "none"}, [])
    assert json.loads((folder / "private").read("pairs.json"))["filters"] == []


@needs_browser
@pytest.mark.parametrize("page", ["index.html", "private/index.html"])
def test_the_pages_are_sound_on_every_screen(page: str, made: Made, browser: Any) -> None:
    assert faults_of(browser, made.folder.local_path(page)) == []
