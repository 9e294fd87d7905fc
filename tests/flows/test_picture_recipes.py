"""The recipes that train a teacher of pictures, cut to a few steps (numbers mean nothing)."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from faults.here import train_here
from photographs import photographs
from tiny_pictures import encoded

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.judged_pairs import open_split
from flows.stage import Run
from flows.stages.sequence import run_stages
from kdm.trained import read_config
from storage.folders import Folder, folder_at

SMALL = (
    "teacher.training.num_steps=2",
    "teacher.training.batch_size=8",
    "teacher.training.samples_every=0",
    "teacher.model.network.model_channels=8",
    "teacher.model.network.num_blocks=1",
    "pairs.sampler.num_steps=2",
    "pairs.pairs.value_range=null",
)
DIGITS = (*SMALL, "pairs.train=64", "pairs.heldout=64", "pairs.layout=wds-64")
STUDENTS = ("kdm", "kdm-f", "regression")
FEW_STEPS = tuple(
    f"students.{name}.training.{option}"
    for name in STUDENTS
    for option in ("num_steps=2", "batch_size=8")
)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    train_here(monkeypatch)


def cifar10(source: Path) -> Recipe:
    few = ("dataset.num_heldout=8", "pairs.train=16", "pairs.heldout=16", "pairs.layout=wds-16")
    options = (*SMALL, *few, "teacher.model.network.channel_mult=[1, 1]")
    return load_recipe("cifar10-small", overrides=(*options, f"dataset.source={source}"))


def real_pictures(place: Path, count: int = 40) -> Path:
    """A zip in EDM's layout, of ten classes in turn."""
    pictures = {f"00000/img{i:08d}.png": encoded(x) for i, x in enumerate(photographs(count))}
    labels = [(name, i % 10) for i, name in enumerate(pictures)]
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in pictures.items():
            archive.writestr(name, data)
        archive.writestr("dataset.json", json.dumps({"labels": labels}))
    return place


def test_a_teacher_of_digits_is_trained_sampled_and_judged(home: Folder) -> None:
    run = Run(load_recipe("digits", overrides=DIGITS), home)
    teacher, _, judged = run_stages(run, until="filter-pairs")
    pairs = open_split(run, judged, "train").load(64).pairs
    assert pairs.label is not None
    assert pairs.label.tolist() == [index % 10 for index in range(64)]
    assert pairs.x_0.dtype == np.uint8
    assert len(judged.facts["masks"]) == 1
    assert {each.state for each in run_stages(run, until="filter-pairs")} == {"cached"}
    assert read_config(folder_at(teacher.folder)) is not None


@pytest.mark.parametrize("recipe", ["digits", "digits-from-scratch"])
def test_three_students_of_digits_learn_from_one_set_of_pairs(recipe: str, home: Folder) -> None:
    *_, judged, kdm, kdm_f, regression = run_stages(
        Run(load_recipe(recipe, overrides=(*DIGITS, *FEW_STEPS)), home), until="distill"
    )
    assert [each.facts["student"] for each in (kdm, kdm_f, regression)] == [*STUDENTS]
    assert (home / "pairs").names() == [judged.name]
    losses = json.loads(folder_at(kdm.folder).read("losses.json"))["losses"]
    assert {"critic/total", "student/adv"} <= losses[-1]["losses"].keys()


def test_a_recipe_without_students_says_so_before_any_work(home: Folder) -> None:
    with pytest.raises(
        ValueError, match="'digits' doesn't have students; stop with --until filter-pairs"
    ):
        run_stages(Run(load_recipe("digits", overrides=["students=[]"]), home))
    assert home.names() == []


def test_digits_are_of_the_size_that_their_recipe_says(home: Folder) -> None:
    quick, slow = (load_recipe(name) for name in ("digits", "digits-from-scratch"))
    training = quick.teacher.training
    assert 400_000 <= training.num_steps * training.batch_size <= 450_000
    same = {"num_threads": training.num_threads}
    assert slow.teacher.training.model_copy(update=same) == training
    assert slow.teacher.model == quick.teacher.model
    assert (quick.pairs.sampler.nfe, slow.pairs.sampler.nfe) == (15, 35)
    assert quick.pairs.train == slow.pairs.train == 30_000
    for student in quick.students:
        (other,) = (each for each in slow.students if each.name == student.name)
        assert student.training.num_steps <= other.training.num_steps / 3


def test_a_teacher_of_real_colour_pictures_is_trained(tmp_path: Path, home: Folder) -> None:
    run = Run(cifar10(real_pictures(tmp_path / "cifar10.zip")), home)
    *_, judged = run_stages(run, until="filter-pairs")
    pairs = open_split(run, judged, "train").load(16).pairs
    assert (pairs.x_0.dtype, pairs.x_0.shape) == (np.uint8, (16, 3, 32, 32))
    assert folder_at(judged.folder).read("pairs.png").startswith(b"\x89PNG")


def test_colour_pictures_of_half_the_side_have_a_teacher_pairs_with_states_and_a_student(
    tmp_path: Path, home: Folder
) -> None:
    few = ("dataset.num_heldout=8", "pairs.train=16", "pairs.heldout=16", "pairs.layout=wds-16")
    steps = ("pairs.sampler.num_steps=4", *(each for each in FEW_STEPS if ".regression." in each))
    source = f"dataset.source={real_pictures(tmp_path / 'cifar10.zip')}"
    recipe = load_recipe("cifar16", overrides=(*SMALL, *few, *steps, source))
    chosen = tuple(recipe.chosen_students(["regression"]))
    run = Run(recipe.model_copy(update={"students": chosen}), home)
    *_, judged, student = run_stages(run, until="distill")
    pairs = open_split(run, judged, "train").load(16).pairs
    assert (pairs.x_0.dtype, pairs.x_0.shape) == (np.uint8, (16, 3, 16, 16))
    assert student.facts["student"] == "regression"


def test_pictures_that_are_not_there_are_asked_for(home: Folder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.zip' was not found .* give its path with --data"):
        run_stages(Run(cifar10(tmp_path / "none.zip"), home), until="train-teacher")
