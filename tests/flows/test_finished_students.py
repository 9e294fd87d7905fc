"""A student that a recipe finishes: its own name and card, found, removed in order, judged by others."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from faults.here import train_here
from inception_like import weights_with_network

from flows.commands.ls import ls
from flows.commands.rm import rm
from flows.config.finished_students import expand_finishes
from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.documents.leaderboard_rows import leaderboard
from flows.documents.student_costs import Counts
from flows.stage import Run
from flows.stages.judging_networks import require_other_judges
from flows.stages.sequence import run_stages
from kdm.export import load_student
from kdm.trained import read_config
from storage.folders import Folder, folder_at
from storage.options import parse

RECIPE = """
name: noise
title: Pictures of noise (numbers mean nothing)
teacher: {name: gaussian, model: {plugin: gaussian, mean: -0.5, std: 0.5}}
pairs:
  kind: generated
  name: noise
  sampler: {plugin: euler, num_steps: 2}
  pairs: {shape: [1, 8, 8], noise: {seed: 1, scale: 1.0}, label: {rule: cycle, num_classes: 2}}
  train: 80
  heldout: 20
  layout: wds-256
students:
  - name: regression
    model: {plugin: regression, width: 8, num_layers: 2}
    training: {num_steps: 5, batch_size: 32, warmup_steps: 2}
    finish: {num_steps: 3, batch_size: 16, features: {kind: random-features, width: 2}}
evaluation: {num_fresh: 40, metrics: [paired]}
"""


def run(folder: Path, home: Folder, **changes: Any) -> Run:
    document = yaml.safe_load(RECIPE)
    document["students"][0]["finish"] |= changes.pop("finish", {})
    path = folder / "noise.yaml"
    path.write_text(yaml.safe_dump(document | changes))
    return Run(load_recipe(str(path)), home)


def test_a_finish_in_a_recipe_is_a_student_of_its_own_and_the_first_stays_what_it_was(
    tmp_path: Path,
    home: Folder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train_here(monkeypatch)
    judged, first, finished, one, two = run_stages(run(tmp_path, home), until="evaluate")[-5:]
    assert [each.facts["student"] for each in (one, two)] == ["regression", "regression-finished"]
    plain = yaml.safe_load(RECIPE)
    del plain["students"][0]["finish"]
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(plain))
    again = run_stages(Run(load_recipe(str(tmp_path / "plain.yaml")), home), until="distill")
    assert (again[-1].name, again[-1].state) == (first.name, "cached")
    config = read_config(finished.place)
    assert config is not None
    assert config["finished"]["student"] == first.name
    card = finished.place.read("card.md").decode()
    assert (
        "regression-finished is regression after 3 steps that compare moments of features" in card
    )
    assert load_student(finished.folder).nfe == 1
    ls(home.url)
    assert finished.name in capsys.readouterr().out
    board = leaderboard(home, folder_at(judged.folder), "paired_mse", Counts())
    (row,) = [each for each in board.standings if each.numbers.name == "regression-finished"]
    (before,) = [each for each in board.standings if each.numbers.name == "regression"]
    assert row.note == "finished by random-features"
    assert row.cost.training_flops > before.cost.training_flops
    assert row.cost.training_seconds > before.cost.training_seconds
    with pytest.raises(
        ValueError, match=f"students/{finished.name} depend on students/{first.name}"
    ):
        rm(first.name, home.url, is_confirmed=True, is_forced=False)
    rm(finished.name, home.url, is_confirmed=True, is_forced=False)
    rm(first.name, home.url, is_confirmed=True, is_forced=False)


def test_a_finished_student_is_not_judged_by_the_features_that_it_optimised(
    tmp_path: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    by_inception = {"features": {"kind": "inception"}}
    with weights_with_network(tmp_path / "weights"):
        *_, finished = run_stages(run(tmp_path, home, finish=by_inception), until="distill")
        config = read_config(finished.place)
        assert config is not None
        assert config["identity"]["finish"]["network"]
        evaluation = {"num_fresh": 40, "metrics": ["inception-score"]}
        judged = run(tmp_path, home, finish=by_inception, evaluation=evaluation)
        with pytest.raises(
            ValueError, match="'inception-score', which sees through them too, can't"
        ):
            run_stages(judged)
        with pytest.raises(ValueError, match=r"choose other finish\.features"):
            require_other_judges(finished.place, "its name", judged.recipe.evaluation.metrics)


def test_finish_for_all_students_leaves_those_that_say_something_else() -> None:
    names = ("a", "b", "c")
    own: dict[str, Any] = {"b": {"finish": None}, "c": {"finish": {"num_steps": 7}}}
    document = {
        "finish": "distribution",
        "students": [{"name": name, "model": 1, **own.get(name, {})} for name in names],
    }
    expand_finishes(document)
    found = [(each["name"], each.get("after"), each.get("finish")) for each in document["students"]]
    assert found == [
        ("a", None, None),
        ("a-finished", "a", {"kind": "distribution"}),
        ("b", None, None),
        ("c", None, None),
        ("c-finished", "c", {"num_steps": 7}),
    ]
    before = {**document}
    expand_finishes(document)
    assert document == before


def test_naming_a_student_names_what_finishes_it_and_a_recipe_of_both_is_read_again() -> None:
    recipe = load_recipe(
        "digits", overrides=["finish=distribution", "students.kdm.finish.anchor=2"]
    )
    chosen = recipe.chosen_students(["kdm"])
    assert [each.name for each in chosen] == ["kdm", "kdm-finished"]
    assert chosen[1].finish is not None
    assert chosen[1].finish.anchor == 2
    assert parse(Recipe, recipe.document(), "recipe") == recipe


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("finish=distributon", "Input should be 'distribution'"),
        ("students.kdm.finish={num_step: 3}", "did you mean 'num_steps'"),
        ("students.kdm.after=regression", "finish and after come together"),
        ("students.kdm.finish={features: {kind: random-features, grid: 4}}", "16 pixels a side"),
    ],
)
def test_a_wrong_finish_is_refused_in_words(override: str, says: str) -> None:
    def learnable() -> None:
        recipe = load_recipe("digits", overrides=[override])
        recipe.require_learnable(recipe.students)

    with pytest.raises(ValueError, match=says):
        learnable()
