"""Filters that share one false-positive rate; scores of held-out pictures stay at the home."""

import stat
from pathlib import Path

import numpy as np
import pytest

from flows.config.load import load_recipe
from flows.judged_pairs import masks_in, open_split
from flows.stage import Run
from flows.stages.sequence import run_stages
from pairgen.filters.judge import Judge, fit_judge
from storage.folders import Folder, folder_at
from storage.masks import read_decision_summary

RECIPE = """
name: small-digits
title: Digits' pictures beside a teacher that is known in closed form
dataset: {kind: digits}
teacher: {name: gaussian, model: {plugin: gaussian}}
pairs:
  kind: generated
  name: small-digits
  sampler: {plugin: euler, num_steps: 1}
  pairs: {shape: [1, 8, 8], noise: {seed: 1}}
  train: 64
  heldout: 64
  layout: wds-64
filters:
  - {filter: {plugin: pixel-nn, num_neighbours: 5}, fpr: 0.1, jointly: true}
  - {filter: {plugin: pixel-nn, statistic: distance, size: 4}, fpr: 0.1, jointly: true}
"""


def run_of(home: Folder, tmp_path: Path, *overrides: str) -> Run:
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE)
    return Run(load_recipe(str(file), overrides=overrides), home)


def test_filters_drop_together_what_one_of_them_may(
    home: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test of this process may have judged these pictures.
    monkeypatch.setattr("flows.calibration._scored", {})
    run = run_of(home, tmp_path)
    judged = run_stages(run, until="filter-pairs")[-1]
    masks = open_split(run, judged, "train").base / "masks"
    summaries = [read_decision_summary(masks, mask) for mask in masks_in(judged)]
    assert [each["joint_fpr"] for each in summaries] == [0.1, 0.1]
    assert summaries[0]["fpr"] == summaries[1]["fpr"] < 0.1

    heldout = run.recipe.dataset.heldout()
    scores = [
        fit_judge(choice.filter, run.recipe.dataset.train()).heldout_scores(heldout)
        for choice in run.recipe.filters
    ]
    low = [each < one["threshold"] for each, one in zip(scores, summaries, strict=True)]
    num_dropped = int(np.any(low, axis=0).sum())
    assert 0.1 * len(heldout) - 3 < num_dropped <= 0.1 * len(heldout)

    # A second command finds all of it without judging a picture.
    monkeypatch.setattr("flows.calibration._scored", {})
    monkeypatch.setattr(Judge, "score", None)
    again = run_stages(run_of(folder_at(home.url), tmp_path), until="filter-pairs")[-1]
    assert (again.digest, again.state) == (judged.digest, "cached")


def test_different_rates_are_refused(home: Folder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"share one false-positive rate.*\[0\.1, 0\.2\]"):
        run_of(home, tmp_path, "filters.0.fpr=0.2")


def test_a_damaged_file_of_scores_is_made_again(home: Folder, tmp_path: Path) -> None:
    judged = run_stages(run_of(home, tmp_path), until="filter-pairs")[-1]
    kept = home / "calibrations"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in kept.local_path().iterdir()}
    assert modes == {0o600}  # they are scores of single pictures
    for name in kept.names():
        kept.replace(name, b"?")
    again = run_stages(run_of(home, tmp_path), until="filter-pairs")[-1]
    assert again.digest == judged.digest


def test_a_stored_set_is_filtered_against_pictures_without_a_recipe(
    home: Folder, tmp_path: Path
) -> None:
    run_stages(run_of(home, tmp_path), until="generate-pairs")
    (name,) = (home / "pairs").names()
    pictures = np.random.RandomState(0).randint(0, 256, (300, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "real.npy", pictures)
    overrides = [f"dataset.source={tmp_path}/real.npy", "dataset.num_heldout=100"]
    for asked in ("small-digits", f"pairs/{name}", f"{home.url}/pairs/{name}"):
        recipe = load_recipe(
            asked, overrides=[*overrides, "filters.policy=pictures"], home=folder_at(home.url)
        )
        assert (recipe.pairs.kind, recipe.dataset.kind, recipe.shape) == (
            *("stored", "arrays"),
            (1, 8, 8),
        )
        assert len(recipe.filters) == 4
    recipe = load_recipe(
        "small-digits", overrides=[*overrides, "filters=[{filter: {plugin: exact}}]"], home=home
    )
    judged = run_stages(Run(recipe, home), until="filter-pairs")[-1]
    assert judged.name == name
    assert len(masks_in(judged)) == 1
