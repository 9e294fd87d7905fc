"""One word gives every training of a recipe its trackers, and nothing that is named changes."""

import pytest

from flows.config.load import load_recipe
from flows.request import Request
from flows.stages.sequence import run_stages
from storage.folders import Folder
from storage.plugins import describe

OWN = "students.kdm.training.trackers=[]"


def names(*overrides: str) -> list[list[str]]:
    """Of the recipe's trainings: the teacher's, then the students'."""
    recipe = load_recipe("tiny", overrides=overrides)
    trainings = [recipe.teacher.training, *(each.training for each in recipe.students)]
    return [[each.plugin for each in training.trackers or ()] for training in trainings]


def test_a_word_is_for_all_trainings_that_name_no_trackers() -> None:
    assert {len(each) for each in names()} == {0}
    for said in ("trackers=tensorboard, mlflow", "trackers=[tensorboard, {plugin: mlflow}]"):
        assert {tuple(each) for each in names(said)} == {("tensorboard", "mlflow")}
    teacher, student, *_ = names("trackers=tensorboard", OWN)
    assert (teacher, student) == (["tensorboard"], [])


def test_no_identity_depends_on_it() -> None:
    plain, tracked = load_recipe("tiny"), load_recipe("tiny", overrides=["trackers=mlflow"])
    for one, other in zip(plain.students, tracked.students, strict=True):
        assert describe(one.model) == describe(other.model)
        assert one.training.identity() == other.training.identity()


def test_an_unknown_tracker_is_named_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^no tracker 'mlfow'; did you mean 'mlflow'\?$"):
        names("trackers=mlfow")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("trackers=nope", "no tracker 'nope'; known: mlflow, tensorboard, trackio, wandb"),
        ("trackers=5", "trackers is 5; give names, as ['tensorboard'], or []"),
        ("trackers=mlflow,mlflow", "tracker 'mlflow' is given 2 times; give it once"),
    ],
)
def test_trackers_that_cannot_be_are_told_once_for_all_trainings(said: str, told: str) -> None:
    with pytest.raises(ValueError, match="tracker") as error:
        names(said)
    assert str(error.value) == told


def test_a_missing_package_is_said_before_the_first_stage(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdm.trackers.choice.find_spec", lambda package: None)
    run = Request("tiny", home=home.url, overrides=("trackers=wandb",)).run()
    with pytest.raises(ValueError, match=r"needs the package wandb.*kdm-offline\[wandb\]"):
        run_stages(run)
    assert not home.exists()
