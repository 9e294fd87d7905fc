"""Whether mirrored pairs are the teacher's: asked of teachers whose answer is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from flows.documents.symmetry_file import SYMMETRY, read_symmetry
from flows.stage import Run
from flows.stages.sequence import run_stages
from storage.folders import Folder

# Φ(x_T) = mean + factor · x_T, so that Φ(M x_T) − M Φ(x_T) = mean − M mean for every x_T.
RECIPE = """
name: even
title: Pictures of a field known in closed form
teacher: {name: gaussian, model: {plugin: gaussian, mean: 0.5, std: 0.5}}
pairs:
  kind: generated
  name: even
  sampler: {plugin: heun, num_steps: 4}
  pairs: {shape: [1, 2, 2], noise: {seed: 1, scale: 1.0}}
  train: 64
  heldout: 16
  layout: wds-64
students:
  - name: regression
    model: {plugin: regression, width: 8, num_layers: 2}
    training: {num_steps: 2, batch_size: 16, mirror: true, samples_every: 0, trackers: []}
"""
ASYMMETRIC = [0.5, -0.5, 0.5, 0.5]  # its first row differs from its mirror image by 1, twice


def run_of(folder: Path, home: Folder, mean: Any, said: list[str]) -> Run:
    described = yaml.safe_load(RECIPE)
    described["teacher"]["model"]["mean"] = mean
    path = folder / "even.yaml"
    path.write_text(yaml.safe_dump(described))
    return Run(load_recipe(str(path)), home, say=said.append)


def ask(home: Folder) -> str:
    result = CliRunner().invoke(app, ["pairs", "symmetry", "even", "--home", home.url])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_symmetric_teachers_mirrored_pairs_are_learned_from(tmp_path: Path, home: Folder) -> None:
    said: list[str] = []
    run = run_of(tmp_path, home, 0.5, said)
    run_stages(run, until="generate-pairs")
    run_stages(run, until="distill")
    assert any(
        "nobody has asked whether" in each and "pairs symmetry even" in each for each in said
    )
    assert "symmetric enough for training.mirror" in ask(home)
    (name,) = (home / "pairs").names()
    answer = read_symmetry(home / "pairs" / name)
    assert answer is not None
    assert answer.error < 1e-6
    assert answer.asymmetry < 1e-6


def test_an_asymmetric_teachers_are_refused(tmp_path: Path, home: Folder) -> None:
    run = run_of(tmp_path, home, ASYMMETRIC, [])
    run_stages(run, until="generate-pairs")
    assert "leave training.mirror off" in ask(home)
    (name,) = (home / "pairs").names()
    assert (home / "pairs" / name).exists(SYMMETRY)
    answer = read_symmetry(home / "pairs" / name)
    assert answer is not None
    assert answer.error == pytest.approx(0.5**0.5, rel=1e-5)  # of four values two are wrong by 1
    with pytest.raises(ValueError, match=r"mirrored noise gives other samples.*mirror to false"):
        run_stages(run, until="distill")


def test_points_have_no_mirror_image(tmp_path: Path, home: Folder) -> None:
    described = RECIPE.replace("[1, 2, 2]", "[4]").replace("mirror: true", "mirror: false")
    path = tmp_path / "even.yaml"
    path.write_text(described)
    run_stages(Run(load_recipe(str(path)), home), until="generate-pairs")
    result = CliRunner().invoke(app, ["pairs", "symmetry", "even", "--home", home.url])
    assert "only pictures, (C, H, W), have mirror images" in str(result.exception)


def test_too_few_noises_to_compare_within_a_class_are_refused(tmp_path: Path, home: Folder) -> None:
    described = RECIPE.replace("scale: 1.0}", "scale: 1.0}, label: {rule: cycle, num_classes: 10}")
    path = tmp_path / "even.yaml"
    path.write_text(described)
    run_stages(Run(load_recipe(str(path)), home), until="generate-pairs")
    words = ["pairs", "symmetry", "even", "--home", home.url, "-k"]
    refused = CliRunner().invoke(app, [*words, "10"])
    assert "no two of 10 noises are of one class" in str(refused.exception)
    assert CliRunner().invoke(app, [*words, "11"]).exit_code == 0


@pytest.mark.parametrize("value", [0.25, np.nan])
def test_samples_that_cannot_be_compared_are_refused(
    tmp_path: Path, home: Folder, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stages(run_of(tmp_path, home, 0.5, []), until="generate-pairs")
    monkeypatch.setattr(
        "pairgen.symmetry._samples", lambda _spec, _teacher, x_T, _label: np.full(x_T.shape, value)
    )
    ended = CliRunner().invoke(app, ["pairs", "symmetry", "even", "--home", home.url])
    assert "the teacher's samples can't be compared" in str(ended.exception)
    (name,) = (home / "pairs").names()
    assert not (home / "pairs" / name).exists(SYMMETRY)
