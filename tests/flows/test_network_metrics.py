"""A run measures its students through a published network, says how, and refuses before it begins."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from faults.here import train_here
from inception_like import NUM_FEATURES, weights_with_network

from flows.config.load import load_recipe
from flows.documents.history import read_events, with_columns
from flows.documents.numbers import require_one_protocol
from flows.stage import Run
from flows.stages.sequence import run_stages
from kdm.metrics.kid import Kid
from storage.folders import Folder, folder_at

RECIPE = """
name: noise
title: Pictures of noise through a small network with random weights (numbers mean nothing)
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
evaluation: {num_fresh: 40, metrics: [{plugin: fid, reference: noise.npz}, inception-score]}
"""


@pytest.fixture
def weights(tmp_path: Path):
    with weights_with_network(tmp_path / "weights") as network:
        moments = {"mu": np.zeros(NUM_FEATURES), "sigma": np.eye(NUM_FEATURES)}
        np.savez(network.parent / "noise.npz", **moments)
        yield network.parent


def run(folder: Path, home: Folder, **evaluation: Any) -> Run:
    document = yaml.safe_load(RECIPE)
    document["evaluation"] |= evaluation
    path = folder / "noise.yaml"
    path.write_text(yaml.safe_dump(document))
    return Run(load_recipe(str(path)), home)


def test_a_run_writes_numbers_with_intervals_and_how_they_were_measured(
    tmp_path: Path, home: Folder, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    train_here(monkeypatch)
    *_, evaluated, report = run_stages(run(tmp_path, home))
    facts = evaluated.facts
    assert {"fid", "inception_score"} == facts["values"].keys() == facts["intervals"].keys()
    protocol = facts["protocols"]["fid"]
    assert (protocol["num_samples"], protocol["num_classes"]) == (40, 2)
    assert protocol["reference"]["name"] == "noise.npz"
    assert facts["protocols"]["inception_score"]["digest"] != protocol["digest"]
    page = folder_at(report.folder).read("report.html").decode()
    assert f"protocol {protocol['digest'][:12]}" in page
    (event,) = read_events(home)
    assert f"fid@{protocol['digest'][:12]}" in event.values
    assert f"FID [{protocol['digest'][:6]}]" in (home / "reports").read("overview.html").decode()
    # Other statistics, another evaluation and another column.
    moments = {"mu": np.ones(NUM_FEATURES), "sigma": np.eye(NUM_FEATURES)}
    np.savez(weights / "noise.npz", **moments)
    *_, again, _ = run_stages(run(tmp_path, home))
    assert again.facts["protocols"]["fid"]["digest"] != protocol["digest"]
    assert again.digest != evaluated.digest
    with pytest.raises(ValueError, match=r"fid of 'regression' .* differ in reference"):
        require_one_protocol([facts, again.facts])


def test_too_few_samples_for_a_covariance_are_refused_before_the_student_draws_any(
    tmp_path: Path, home: Folder, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    train_here(monkeypatch)
    with pytest.raises(ValueError, match=r"metric 'fid': 8 samples .* at least 9"):
        run_stages(run(tmp_path, home, num_fresh=8))


def test_what_metrics_need_is_asked_for_before_any_work(tmp_path: Path, home: Folder):
    with pytest.raises(ValueError, match=r"metric 'fid' needs inception-2015-12-05.pt in"):
        run_stages(run(tmp_path, home))
    with weights_with_network(tmp_path / "weights"):
        with pytest.raises(ValueError, match=r"'fid' needs noise.npz in .*; or set reference to"):
            run_stages(run(tmp_path, home))
        (tmp_path / "weights" / "noise.npz").write_bytes(b"<html>")
        with pytest.raises(ValueError, match=r"noise.npz is a web page"):
            run_stages(run(tmp_path, home))
        with pytest.raises(ValueError, match=r"'kid' .* the recipe has no data set; give dataset"):
            run_stages(run(tmp_path, home, metrics=["kid"]))
        (tmp_path / "weights" / "inception-2015-12-05.pt").write_bytes(b"<html>")
        with pytest.raises(ValueError, match=r"isn't a TorchScript file"):
            run_stages(run(tmp_path, home))
    assert not home.files()


def test_a_number_has_a_column_for_each_protocol_and_one_without_any():
    kid = Kid.meanings
    labels = [each.label for each in with_columns(kid, ["kid@abcdef012345", "fid@1"]).values()]
    assert labels == ["KID [abcdef]"]
    assert with_columns(kid, ["paired_mse"]) == kid
