"""Pairs of pictures: made, judged against real ones, shown; what knows the plane only refuses them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from faults.here import train_here
from typer.testing import CliRunner

from flows.calibration import RecipeFilter
from flows.care.judge_again import judge_again
from flows.cli import app
from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run
from flows.stages.refresh import refresh_home
from flows.stages.sequence import run_stages
from kdm.datasets.arrays import ArraysData
from kdm.datasets.digits import DigitsData
from pairgen.filters.digests import reference_digest
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.near_copy import NearCopy
from storage.folders import Folder, folder_at
from storage.masks import read_scores

DIGITS = """
name: digits
title: Digits from a field known in closed form (numbers mean nothing)
dataset: {kind: digits}
teacher: {name: gaussian, model: {plugin: gaussian, mean: -0.5, std: 0.5}}
pairs:
  kind: generated
  name: digits
  sampler: {plugin: euler, num_steps: 2}
  pairs: {shape: [1, 8, 8], noise: {seed: 1, scale: 1.0}, label: {rule: cycle, num_classes: 10}}
  train: 300
  heldout: 100
  layout: wds-256
filters: [{filter: {plugin: near-copy}, fpr: 0.01}]
students:
  - name: regression
    model: {plugin: regression, width: 8, num_layers: 2}
    training: {num_steps: 5, batch_size: 32, warmup_steps: 2}
"""


def recipe(folder: Path, **changes: Any) -> Recipe:
    path = folder / "digits.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(DIGITS), **changes}))
    return load_recipe(str(path))


def test_pictures_are_made_judged_and_shown_on_their_card(tmp_path: Path, home: Folder) -> None:
    run = Run(recipe(tmp_path), home)
    results = run_stages(run, until="filter-pairs")
    assert [result.state for result in results] == ["cached", "done", "done"]
    folder = folder_at(results[-1].folder)
    card = folder.read("card.md").decode()
    assert folder.read("pairs.png").startswith(b"\x89PNG")
    assert "near-copy on train: 0 of 512 masked" in card
    assert {"license: cc-by-4.0", "- class-conditional"} <= set(card.splitlines())
    assert {each.state for each in run_stages(run, until="filter-pairs")} == {"cached"}


def test_stored_bytes_are_judged_in_the_units_of_the_real_pictures(
    tmp_path: Path, home: Folder
) -> None:
    run = Run(recipe(tmp_path), home)
    *_, judged = run_stages(run, until="filter-pairs")
    store, (mask,) = open_split(run, judged, "train"), masks_in(judged)
    first = contents(run, store)[0]
    x_0 = store.pairs(0, first).x_0[:20]
    numbers = x_0.astype(np.float64) / 127.5 - 1
    apart = np.linalg.norm((numbers[:, None] - DigitsData().train()).reshape(20, -1, 64), axis=2)
    assert x_0.dtype == np.uint8
    scores = read_scores(store.base / "masks", mask.score, first)[:20]
    assert np.allclose(scores, apart.min(axis=1), atol=1e-5)


def test_real_bytes_are_judged_as_the_numbers_that_they_stand_for(tmp_path: Path) -> None:
    images = np.rint(127.5 * DigitsData().train() + 127.5).astype(np.uint8)
    np.save(tmp_path / "set.npy", images)
    kind = {"kind": "arrays", "source": str(tmp_path / "set.npy")}
    data = {**kind, "shape": [1, 8, 8], "num_heldout": 200}
    run = Run(recipe(tmp_path, dataset=data), folder_at(str(tmp_path / "home")))
    chosen = RecipeFilter(run.recipe.filters[0], run.recipe.dataset)
    scores = chosen.heldout_scores()
    assert 0.5 < chosen.threshold < scores.max() < 8  # of bytes it would be in the hundreds
    assert np.count_nonzero(scores < chosen.threshold) <= 2


def test_pictures_that_are_gone_do_not_hide_the_set_that_is_asked_for(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = DigitsData()
    gone = ArraysData(source="gone.npz", shape=(1, 8, 8))
    monkeypatch.setattr("flows.care.judge_again._data_sets", lambda home: iter([gone, digits]))
    right = reference_digest(digits.train())
    assert judge_again(rule(right), home).reference == right
    with pytest.raises(ValueError, match=r"not read: 'gone.npz' was not found .* remove the audit"):
        judge_again(rule("0" * 64), home)


def rule(reference: str) -> DropRule:
    return DropRule.of(NearCopy(), reference=reference, threshold=0.5)


def test_numbers_of_the_plane_refuse_pictures_before_any_work(tmp_path: Path, home: Folder) -> None:
    with pytest.raises(ValueError, match=r"'cells' needs points of shape \(2,\), got \(1, 8, 8\)"):
        run_stages(Run(recipe(tmp_path), home))
    assert home.names() == []


def test_a_run_that_cannot_be_measured_does_not_end_the_report_of_others(
    tmp_path: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    run_stages(Run(recipe(tmp_path), home), until="distill")
    told: list[str] = []
    assert refresh_home(home, warn=told.append) == []
    assert told == [
        "recipe 'digits' is left out of the reports: metric 'cells' needs points of shape (2,), got "
        "(1, 8, 8); leave it out of the recipe's metrics"
    ]
    can_be = recipe(
        tmp_path, evaluation={"metrics": ["paired", "sliced-wasserstein"], "num_fresh": 50}
    )
    *_, report = run_stages(Run(can_be, home))
    assert report.facts["students"]["regression"]["values"]["paired_mse"] < 2  # on -1 ... 1


def test_students_of_labelled_pictures_are_judged_by_one_classifier_that_stays(
    tmp_path: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    metrics = ["class-agreement", "classifier-frechet", "paired-baselines", "variance"]
    judged = recipe(
        tmp_path,
        students=[student(seed) for seed in (0, 1)],
        evaluation={"metrics": metrics, "num_fresh": 100, "classifier": {"num_epochs": 3}},
    )
    *_, evaluated, report = run_stages(Run(judged, home))
    (classifier,) = (home / "classifiers").names()
    assert evaluated.facts["classifier"]["name"] == classifier
    listed = CliRunner().invoke(app, ["ls", "--home", home.url]).output
    assert re.search(rf"{classifier}  heldout \d\d\.\d\d%, train \d\d\.\d\d%  ", listed)
    assert evaluated.facts["real"]["class_agreement"] > 0.8
    assert evaluated.facts["num_fresh"] == 100
    assert report.facts["seeds"]["regression"]["of"] == "mean of 2 seeds"
    page = folder_at(report.folder).read("report.html").decode()
    assert "256 held out" in page
    assert "Teacher above students" in page
    assert folder_at(evaluated.folder).read("samples.png").startswith(b"\x89PNG")
    kept = CliRunner().invoke(app, ["rm", f"classifiers/{classifier}", "--yes", "--home", home.url])
    assert "students/regression" in str(kept.exception)
    assert (home / "classifiers").names() == [classifier]


def student(seed: int) -> dict[str, Any]:
    model = {"plugin": "regression", "width": 8, "num_layers": 2}
    training = {"num_steps": 5, "batch_size": 32, "warmup_steps": 2, "seed": seed}
    return {"name": f"regression-{seed}", "model": model, "training": training}


def test_a_metric_of_classes_refuses_pairs_without_any_before_any_work(
    tmp_path: Path, home: Folder
) -> None:
    pairs = yaml.safe_load(DIGITS)["pairs"]
    del pairs["pairs"]["label"]
    asked = recipe(tmp_path, pairs=pairs, evaluation={"metrics": ["class-agreement"]})
    with pytest.raises(ValueError, match="pairs are unlabelled; leave 'class-agreement' out"):
        run_stages(Run(asked, home))
    assert home.names() == []
