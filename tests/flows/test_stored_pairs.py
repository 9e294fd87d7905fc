"""Students from pairs that are there already: by name or by folder, of a recipe or of a preset."""

from pathlib import Path

import pytest
import yaml
from click.testing import Result
from faults.here import train_here
from picture_pairs import filled, name_of
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from kdm.export import load_student
from kdm.students.koopman import Koopman
from kdm.students.reflow import Reflow
from storage.digest import unseal
from storage.folders import Folder, folder_at

NAME, WITHOUT_LABELS = name_of(), name_of(has_labels=False)
SMALL = [
    "model.networks.model_channels=8",
    "model.networks.channel_mult=[1]",
    "model.networks.num_blocks=1",
    "model.networks.latent_dim=6",
    "model.adversary={kind: non-saturating, num_halvings: 1, width: 8}",
    "training.num_steps=2",
    "training.batch_size=4",
    "training.trackers=[]",
]
TINY = [word for each in SMALL for word in ("--set", f"students.kdm.{each}")]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    train_here(monkeypatch)


@pytest.fixture
def pairs(home: Folder) -> Folder:
    filled(home / "pairs" / NAME, "train")
    filled(home / "pairs" / NAME, "heldout")
    return home / "pairs" / NAME


def kdm(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def distil(home: Folder, pairs: object, *words: object) -> Folder:
    given = ("--student", "kdm", "--pairs", pairs, "--direct", "--home", home.url)
    ended = kdm("distill", "cifar10", *given, *TINY, *words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    (student,) = (home / "students").names()
    return home / "students" / student


def test_a_student_of_stored_pairs_ends_with_weights_numbers_pictures_and_a_card(
    home: Folder, pairs: Folder
) -> None:
    student = distil(home, "tiny-pictures")
    metrics = unseal(student.read("metrics.json"), "metrics.json")
    assert {"student/rec", "student/adv", "critic/total"} <= metrics["losses"].keys()
    assert "![The teacher" in student.read("card.md").decode()
    assert len((student / "samples").names()) == 2
    assert load_student(student).num_classes == 10


def test_pairs_of_another_home_give_the_same_student_and_are_left_as_they_are(
    tmp_path: Path, home: Folder, pairs: Folder
) -> None:
    before = pairs.files()
    here = distil(home, "tiny-pictures")
    there = distil(folder_at(str(tmp_path / "other")), pairs.url)
    assert there.name == here.name
    assert there.read("model.safetensors") == here.read("model.safetensors")
    assert pairs.files() == before


def test_what_is_distilled_again_is_there_already(home: Folder, pairs: Folder) -> None:
    student = distil(home, "tiny-pictures")
    before = student.files()
    assert distil(home, NAME).files() == before


def test_pairs_without_held_out_ones_are_learned_from_and_not_measured_on(home: Folder) -> None:
    filled(home / "pairs" / NAME)
    assert distil(home, "tiny-pictures").exists("model.safetensors")
    given = ("--student", "kdm", "--pairs", NAME, "--direct", "--home", home.url)
    ended = kdm("evaluate", "cifar10", *given, *TINY)
    assert "lacks held-out pairs to measure students on" in str(ended.exception)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--pairs", "tiny-picture"), "did you mean 'tiny-pictures"),
        (("--pairs", NAME, "--teacher", "net"), "remove the teacher's options"),
        (("--pairs", NAME, "--set", "pairs.spec=" + 64 * "0"), "name that set, or leave out"),
        (("--pairs", NAME, "--count", 65, "--student", "kdm"), "holds 64 indices, asked for 65"),
        (("--pairs", NAME, "--student", "kmd"), "did you mean 'kdm'"),
    ],
)
def test_other_pairs_than_there_are_are_refused(
    home: Folder, pairs: Folder, words: tuple[object, ...], sentence: str
) -> None:
    ended = kdm("distill", "cifar10", *words, *TINY, "--direct", "--home", home.url)
    assert ended.exit_code != 0
    assert sentence in str(ended.exception)
    assert not home.exists("students")


def test_what_a_recipe_of_stored_pairs_resolves_to_is_a_recipe_again(
    tmp_path: Path, home: Folder, pairs: Folder
) -> None:
    shown = kdm("show", "cifar10", "--pairs", NAME, "--home", home.url).output
    (tmp_path / "mine.yaml").write_text(shown)
    recipe = load_recipe(str(tmp_path / "mine.yaml"))
    assert yaml.safe_load(shown)["teacher"] is None
    assert (recipe.pairs.train, recipe.pairs.heldout, recipe.pairs.shape) == (64, 64, (1, 8, 8))
    names = [student.name for student in recipe.students]
    assert names == ["kdm", "kdm-f", "get-s", "get-b", "regression", "reflow"]


def test_a_student_that_a_recipe_does_not_list_may_be_a_preset(home: Folder, pairs: Folder) -> None:
    asked = ["pairs.stored=tiny-pictures", "students.cifar10-reflow.model.num_steps=2"]
    recipe = load_recipe("cifar10", overrides=asked, home=home, students=["cifar10-reflow"])
    student = recipe.students[-1]
    assert student.name == "cifar10-reflow"
    assert isinstance(student.model, Reflow)
    assert student.model.num_steps == 2


def test_a_conditional_preset_refuses_pairs_without_labels(home: Folder) -> None:
    filled(home / "pairs" / WITHOUT_LABELS, has_labels=False)
    words = (
        "--student",
        "cifar10-cond",
        "--pairs",
        "tiny-pictures",
        "--direct",
        "--home",
        home.url,
    )
    ended = kdm("distill", "cifar10", *words)
    assert isinstance(ended.exception, ValueError)
    assert "student 'cifar10-cond' is class-conditional, but the pairs are unlabelled" in str(
        ended.exception
    )
    assert home.names() == ["pairs"]


def test_classes_are_not_asked_of_stored_pairs_without_labels(home: Folder) -> None:
    for split in ("train", "heldout"):
        filled(home / "pairs" / WITHOUT_LABELS, split, has_labels=False)
    words = ("--pairs", "tiny-pictures", "--direct", "--home", home.url)
    asked = ("--set", "evaluation.metrics=[class-agreement]")
    ended = kdm("evaluate", "cifar10", "--student", "kdm", *words, *asked, *TINY)
    assert isinstance(ended.exception, ValueError)
    assert "the pairs are unlabelled; leave 'class-agreement' out" in str(ended.exception)
    assert home.names() == ["pairs"]


def test_what_is_said_beside_a_preset_stands_and_a_plugin_as_a_whole(
    home: Folder, pairs: Folder
) -> None:
    asked = [
        "pairs.stored=tiny-pictures",
        "students.kdm.preset={name: cifar10, mode: published, terms: rec+lat}",
        "students.kdm.model.losses.distance={plugin: random-features, width: 8}",
        "students.kdm.model.adversary=null",
    ]
    model = load_recipe("cifar10", overrides=asked, home=home).students[0].model
    assert isinstance(model, Koopman)
    assert model.losses.weights == {"rec": 1, "lat": 1, "pred": 0}
    assert (model.losses.distance.plugin, model.losses.latent_noise) == ("random-features", 0.4)
    assert model.adversary is None
