"""A teacher's claim of differential privacy: carried by cards, void by choice alone, in no name."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faults.here import train_here
from typer.testing import CliRunner

from flows.cli import app
from flows.config.filter_rules import require_claim_told
from flows.config.load import load_recipe
from flows.stage import Run
from flows.stages.pair_spec import pair_spec
from kdm.datasets.checkerboard import CheckerboardData
from kdm.differential_privacy import DifferentialPrivacy
from kdm.report.existing_card import front_of
from storage.folders import Folder, folder_at

CLAIM = {"epsilon": 8.0, "delta": 1e-5}
STATED = ("--set", "teacher.differential_privacy={epsilon: 8, delta: 1.0e-5}")
GIVEN_UP = ("--set", "privacy.gives_up_differential_privacy=true")
NEAR_COPY = "[{filter: {plugin: near-copy}, threshold: 0.1}]"
LONGEST_TENTH = "[{filter: {plugin: truncation}, threshold: 0.1}]"
RECIPE = """
name: claimed
title: A teacher of points that states its differential privacy
dataset: {kind: checkerboard, num_train: 200, num_heldout: 100}
teacher:
  name: claimed
  model: {plugin: flow-matching, width: 8}
  training: {num_steps: 2, batch_size: 16}
pairs:
  kind: generated
  name: claimed
  sampler: {plugin: euler, num_steps: 1}
  pairs: {shape: [2], noise: {seed: 1}}
  train: 64
  heldout: 64
  num_workers: 1
  layout: wds-64
students:
  - name: plain
    model: {plugin: regression, width: 8, num_layers: 2}
    training: {num_steps: 2, batch_size: 16}
evaluation: {metrics: [variance], num_fresh: 64}
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    train_here(monkeypatch)
    file = tmp_path / "claimed.yaml"
    file.write_text(RECIPE)
    return file


def run(home: Folder, *words: object, until: str = "distill") -> str:
    """What a command that must be refused says; '' if it ends well."""
    command = ["run", *map(str, words), "--until", until, "--direct", "--device", "cpu"]
    ended = CliRunner().invoke(app, [*command, "--home", home.url])
    assert ended.exit_code == 0 or isinstance(ended.exception, ValueError), ended.output
    return str(ended.exception or "")


def claims(home: Folder) -> dict[str, Any]:
    """What the cards of teacher, pairs and students say."""
    found = {}
    for kind in ("teachers", "pairs", "students"):
        for name in (home / kind).names():
            front = front_of(home / kind / name)
            found[f"{kind}/{name.rpartition('-')[0]}"] = front.get("differential_privacy")
    return found


def test_cards_carry_the_claim_and_names_stay(home: Folder, recipe: Path) -> None:
    assert run(home, recipe) == ""
    before = {kind: (home / kind).names() for kind in ("teachers", "pairs", "students")}
    assert set(claims(home).values()) == {None}
    other = folder_at(f"{home.url}-claimed")
    assert run(other, recipe, *STATED, until="evaluate") == ""
    assert {kind: (other / kind).names() for kind in before} == before
    assert set(map(str, claims(other).values())) == {str({**CLAIM, "holds": True})}
    for kind, (name,) in before.items():
        said = (other / kind / name).read("card.md").decode()
        assert said.count("as the teacher's maker states it: ε = 8, δ = 1e-05.") == 1
    # A stored set, and a stored teacher, say it themselves.
    assert load_recipe(before["pairs"][0], home=other).pairs.differential_privacy.epsilon == 8
    stored = load_recipe(
        str(recipe), overrides=[f"teacher.stored={before['teachers'][0]}"], home=other
    )
    assert stored.teacher.differential_privacy.epsilon == 8


def test_a_recipe_that_states_a_claim_has_the_digest_of_one_that_does_not(recipe: Path) -> None:
    assert (
        load_recipe(str(recipe), overrides=[STATED[1]]).digest()
        == load_recipe(str(recipe)).digest()
    )


@pytest.mark.parametrize("place", ["filters", "pairs.drop_at_write"])
def test_a_filter_that_reads_the_training_data_is_refused_unless_the_claim_is_given_up(
    home: Folder, recipe: Path, place: str
) -> None:
    filtered = ("--set", f"{place}={NEAR_COPY}")
    said = run(home, recipe, *STATED, *filtered)
    assert "filter 'near-copy' reads the training data" in said
    assert "void (ε = 8, δ = 1e-05)" in said
    assert "--set privacy.gives_up_differential_privacy=true" in said
    assert not home.names()
    assert run(home, recipe, *STATED, *GIVEN_UP, *filtered) == ""
    void = {**CLAIM, "holds": False, "void_by": ["near-copy"]}
    assert claims(home)["pairs/claimed"] == claims(home)["students/plain"] == void
    assert claims(home)["teachers/claimed"] == {**CLAIM, "holds": True}
    (student,) = (home / "students").names()
    assert (
        "**Not differentially private.**" in (home / "students" / student).read("card.md").decode()
    )


def test_quality_filters_without_a_reference_leave_the_claim(home: Folder, recipe: Path) -> None:
    assert run(home, recipe, *STATED, "--set", f"filters={LONGEST_TENTH}") == ""
    assert {each["holds"] for each in claims(home).values()} == {True}
    # The set's card states the claim, though this recipe doesn't.
    assert "reads the training data" in run(home, recipe, "--set", f"filters={NEAR_COPY}")
    (name,) = (home / "pairs").names()
    data = ("--set", "dataset={kind: checkerboard, num_train: 200, num_heldout: 100}")
    refused = run(home, name, *data, "--set", f"filters={NEAR_COPY}", until="filter-pairs")
    assert "reads the training data" in refused


def test_a_student_of_every_pair_keeps_the_claim_beside_a_filtered_one(
    home: Folder, recipe: Path
) -> None:
    filtered = ("--set", f"filters={NEAR_COPY}")
    assert run(home, recipe, *STATED, *GIVEN_UP, *filtered, until="filter-pairs") == ""
    assert run(home, recipe, *STATED, "--mask", "none") == ""
    assert claims(home)["students/plain"] == {**CLAIM, "holds": True}
    assert claims(home)["pairs/claimed"]["void_by"] == ["near-copy"]


def test_leave_one_out_reads_the_training_data_and_a_stated_threshold_does_not(
    home: Folder, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CheckerboardData, "has_heldout", False)
    calibrated = ("--set", f"filters={LONGEST_TENTH.replace('threshold', 'fpr')}")
    assert "filter 'truncation' reads" in run(home, recipe, *STATED, *calibrated)
    assert run(home, recipe, *STATED, *GIVEN_UP, *calibrated) == ""
    assert claims(home)["students/plain"]["void_by"] == ["truncation"]
    other = folder_at(f"{home.url}-stated")
    assert run(other, recipe, *STATED, "--set", f"filters={LONGEST_TENTH}") == ""
    assert claims(other)["students/plain"]["holds"]


def test_a_filter_at_write_says_what_calibrated_it_since_the_set_keeps_the_threshold_alone(
    home: Folder, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated = f"pairs.drop_at_write={NEAR_COPY.replace('threshold', 'fpr')}"
    chosen, said = load_recipe(str(recipe), overrides=[calibrated]), list[str]()
    pair_spec(Run(chosen, home, say=said.append), weights="ab" * 32)
    assert said == []  # 10 of 100 held-out points
    monkeypatch.setattr(CheckerboardData, "has_heldout", False)
    pair_spec(Run(chosen, home, say=said.append), weights="ab" * 32)
    (told,) = said
    assert told.startswith("filter 'near-copy' of pairs.drop_at_write: its threshold drops ")
    assert "leave-one-out, the weaker way" in told


def test_leave_one_out_at_write_is_refused_beside_a_claim_that_no_card_could_call_void(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bright = SimpleNamespace(plugin="bright", needs_reference=False)  # a filter of one's own
    rules: Any = [SimpleNamespace(filter=bright, threshold=None)]
    stated: Any = [SimpleNamespace(filter=bright, threshold=0.5)]
    data, claim = CheckerboardData(), DifferentialPrivacy(epsilon=8, delta=1e-5)
    require_claim_told(rules, data, claim)  # held-out points calibrate it
    monkeypatch.setattr(CheckerboardData, "has_heldout", False)
    require_claim_told(rules, data, None)
    require_claim_told(stated, data, claim)
    with pytest.raises(
        ValueError, match=r"'bright' of pairs.drop_at_write is calibrated by leave-one"
    ):
        require_claim_told(rules, data, claim)


@pytest.mark.parametrize("claim", ["{epsilon: 0, delta: 0}", "{epsilon: 1, delta: 1}", "8"])
def test_a_claim_that_is_none_is_refused(recipe: Path, claim: str) -> None:
    with pytest.raises(ValueError, match="differential_privacy"):
        load_recipe(str(recipe), overrides=[f"teacher.differential_privacy={claim}"])
