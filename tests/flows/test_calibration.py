"""How a decision's false-positive rate was found, and how sure it is."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta

from flows.config.load import load_recipe
from flows.documents.calibration_words import calibration_words, unsure_rate
from flows.judged_pairs import masks_in, open_split
from flows.stage import Run
from flows.stages.sequence import run_stages
from pairgen.filters.judge import fit_judge
from storage.folders import Folder
from storage.masks import read_decision_summary

RECIPE = """
name: all-training
title: Pictures of which none are held out, beside a teacher that is known in closed form
dataset: {kind: arrays, source: %s, shape: [1, 8, 8]}
teacher: {name: gaussian, model: {plugin: gaussian}}
pairs:
  kind: generated
  name: all-training
  sampler: {plugin: euler, num_steps: 1}
  pairs: {shape: [1, 8, 8], noise: {seed: 1}}
  train: 64
  heldout: 64
  layout: wds-64
filters:
  - {filter: {plugin: exact}, fpr: 0.05, jointly: true}
  - {filter: {plugin: pixel-nn, num_neighbours: 5}, fpr: 0.05, jointly: true}
"""


def summaries_and_words(home: Folder, tmp_path: Path, *overrides: str) -> tuple[list, list[str]]:
    pictures = np.random.RandomState(0).randint(0, 256, (160, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "real.npy", pictures)
    (tmp_path / "recipe.yaml").write_text(RECIPE % (tmp_path / "real.npy"))
    said: list[str] = []
    run = Run(
        load_recipe(str(tmp_path / "recipe.yaml"), overrides=overrides), home, say=said.append
    )
    judged = run_stages(run, until="filter-pairs")[-1]
    masks = open_split(run, judged, "train").base / "masks"
    return [read_decision_summary(masks, mask) for mask in masks_in(judged)], said


def test_a_set_that_holds_nothing_out_is_calibrated_by_leaving_one_out(
    home: Folder, tmp_path: Path
) -> None:
    (_, found), said = summaries_and_words(home, tmp_path)
    assert found["calibrated_by"] == "leave-one-out"
    assert found["calibrated_on"] == 160
    reference = np.load(tmp_path / "real.npy")[:, None]
    chosen = load_recipe(str(tmp_path / "recipe.yaml")).filters[1].filter
    scores = [
        fit_judge(chosen, np.delete(reference, row, axis=0)).heldout_scores(reference[row][None])
        for row in range(160)
    ]
    assert np.count_nonzero(np.concatenate(scores) < found["threshold"]) == 8  # 5 % of 160
    assert found["joint_false_positives"]["count"] == 8
    assert "each judged against the others (leave-one-out, the weaker way)" in " ".join(said)


def test_a_decision_by_held_out_samples_has_their_exact_interval(
    home: Folder, tmp_path: Path
) -> None:
    (_, found), said = summaries_and_words(home, tmp_path, "dataset.num_heldout=60")
    assert "calibrated_by" not in found
    counted = found["joint_false_positives"]
    assert (counted["count"], counted["of"]) == (3, 60)
    # Clopper and Pearson 1934
    assert counted["interval"] == pytest.approx(
        [beta.ppf(0.025, 3, 58), beta.ppf(0.975, 4, 57)], rel=1e-6
    )
    assert "3 of 60, 95% interval 1.04 … 13.92%" in " ".join(said)
    assert not [line for line in said if "are few" in line]


def test_few_samples_for_the_rate_are_told_once(home: Folder, tmp_path: Path) -> None:
    _, said = summaries_and_words(
        home,
        tmp_path,
        "dataset.num_heldout=60",
        "filters.0.fpr=0.01",
        "filters.1.fpr=0.01",
    )
    (warning,) = [line for line in said if "are few" in line]
    assert "60 held-out samples are few for a false-positive rate of 1%" in warning
    assert "may be up to 6%; hold out 1,000 or more" in warning


def test_a_decision_of_old_says_nothing_of_it() -> None:
    old = {"fpr": 0.01, "calibrated_on": 4, "threshold": 1.0}
    assert (calibration_words(old), unsure_rate(old)) == ("", "")
