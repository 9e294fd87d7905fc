"""A run measures its students through a published network, says how, and refuses before it begins."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from faults.here import train_here
from inception_like import NUM_FEATURES, weights_with_network

from flows.commands.ls import ls
from flows.commands.reference import Wanted, reference
from flows.config.load import load_recipe
from flows.config.wishes import missing_words
from flows.documents.history import read_events
from flows.documents.number_columns import columns_of
from flows.documents.numbers import require_one_protocol
from flows.documents.overview import with_columns
from flows.stage import Run
from flows.stages.sequence import run_stages
from kdm.datasets.arrays import ArraysData
from kdm.evaluate.kept_references import read_reference
from kdm.evaluate.network_views import Eyes, NetworkViews, pictures_of
from kdm.metrics.fid import Fid
from kdm.metrics.kid import Kid
from kdm.metrics.protocol import Protocol, Reference
from storage.folders import Folder, folder_at
from storage.plugins import describe

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
    overview = (home / "reports").read("overview.html").decode()
    assert f"[{protocol['digest'][:6]}]: 40 samples of 2 classes as bytes through" in overview
    # The same statistics by another name are no other column, whatever digest was stored.
    shutil.copy(weights / "noise.npz", weights / "same.npz")
    fid = {"plugin": "fid", "reference": "same.npz"}
    *_, renamed, _ = run_stages(run(tmp_path, home, metrics=[fid]))
    old = {**facts["protocols"]["fid"], "digest": "0" * 64}
    columns = columns_of([{**facts, "protocols": {"fid": old}}, renamed.facts])
    assert [names["fid"] for names in columns.names] == ["fid", "fid"]
    assert {name for event in read_events(home) for name in event.values if "fid" in name} == {
        f"fid@{protocol['digest'][:12]}"
    }
    # Other statistics, another evaluation and another column.
    moments = {"mu": np.ones(NUM_FEATURES), "sigma": np.eye(NUM_FEATURES)}
    np.savez(weights / "noise.npz", **moments)
    *_, again, _ = run_stages(run(tmp_path, home))
    assert again.facts["protocols"]["fid"]["digest"] != protocol["digest"]
    assert again.digest != evaluated.digest
    with pytest.raises(ValueError, match=r"fid of 'regression' .* differ in reference"):
        require_one_protocol([facts, again.facts])


def test_too_few_samples_for_a_covariance_are_refused_before_any_work(
    tmp_path: Path, home: Folder, weights: Path
):
    with pytest.raises(ValueError, match=r"metric 'fid': 8 samples .* at least 9"):
        run_stages(run(tmp_path, home, num_fresh=8))
    assert not home.files()


def test_what_metrics_need_is_asked_for_before_any_work(tmp_path: Path, home: Folder):
    with pytest.raises(ValueError, match=r"metric 'fid' needs inception-2015-12-05.pt in"):
        run_stages(run(tmp_path, home))
    with weights_with_network(tmp_path / "weights"):
        with pytest.raises(ValueError, match=r"'fid' needs noise.npz in .*; or set reference to"):
            run_stages(run(tmp_path, home))
        (tmp_path / "weights" / "noise.npz").write_bytes(b"<html>")
        with pytest.raises(ValueError, match=r"'fid' needs noise.npz .* a web page"):
            run_stages(run(tmp_path, home))
        with pytest.raises(ValueError, match=r"'kid' .* the recipe has no data set; give dataset"):
            run_stages(run(tmp_path, home, metrics=["kid"]))
        (tmp_path / "weights" / "inception-2015-12-05.pt").write_bytes(b"<html>")
        with pytest.raises(ValueError, match=r"inception.* in .* it is a web page"):
            run_stages(run(tmp_path, home))
        (tmp_path / "weights" / "inception-2015-12-05.pt").write_bytes(b"half of one")
        with pytest.raises(ValueError, match=r"isn't a TorchScript file"):
            run_stages(run(tmp_path, home))
    assert not home.files()


def test_a_number_has_a_column_for_each_protocol_and_one_without_any():
    kid = Kid.meanings
    labels = [each.label for each in with_columns(kid, ["kid@abcdef012345", "fid@1"]).values()]
    assert labels == ["KID [abcdef]"]
    assert with_columns(kid, ["paired_mse"]) == kid


def test_statistics_are_computed_once_and_take_the_place_of_the_pictures(
    tmp_path: Path, home: Folder, weights: Path, capsys: pytest.CaptureFixture[str]
):
    data = ArraysData(source=str(tmp_path / "real.npy"), shape=(1, 8, 8))
    np.save(data.source, np.random.RandomState(0).randint(0, 256, (60, 1, 8, 8)).astype(np.uint8))
    wanted = Wanted(data.source, "train", "fid", "1,8,8", (), "cpu")
    reference(wanted._replace(is_dry=True), home.url, as_json=False)
    assert "to make, 60 pictures" in capsys.readouterr().out
    assert not (home / "references").exists()
    reference(wanted, home.url, as_json=False)
    reference(wanted, home.url, as_json=False)
    said = capsys.readouterr().out
    (name,) = (home / "references").names()
    assert f"{name}: done, 60 pictures" in said
    assert f"{name}: cached" in said
    assert [row for row in listed_in(home, capsys) if name in row]
    eyes = Eyes(home, Fid().view)
    kept = read_reference(home, name, eyes.identity, (1, 8, 8))
    direct = eyes.real(data, "train")
    assert kept.of == direct.of
    shutil.copy(home.local_path(f"references/{name}/statistics.npz"), weights / "copy.npz")
    views, pictures = NetworkViews(home, [Fid(reference="copy.npz")], None), np.load(data.source)
    copied = views.seen(pictures, pictures)[Fid().view].real["copy.npz"]
    given = {"train": direct, name: kept, "copy.npz": copied}
    assert len({protocol_of(word, each.of) for word, each in given.items()}) == 1
    others = [eyes.real(data, "train").of.model_copy(update={"split": "heldout"}), direct.of]
    assert len({protocol_of("train", each) for each in others}) == 2
    x = eyes.look(pictures_of(data, "train")[:30], of="others").features
    assert kept.frechet(x) == pytest.approx(direct.frechet(x), rel=1e-9)
    for refused, words in (
        ({"reference": name, "mode": "clean"}, r"computed with mode legacy_tensorflow \(not clean"),
        ({"reference": "digits-train-000000000000"}, f"no statistics .* {name}"),
        ({"reference": "test"}, "'test' isn't a reference; give train or heldout"),
    ):
        with pytest.raises(ValueError, match=words):
            run_stages(run(tmp_path, home, metrics=[{"plugin": "fid", **refused}]))
    with pytest.raises(ValueError, match=r"is about pictures of \[1, 8, 8\], and samples have \[3"):
        read_reference(home, name, eyes.identity, (3, 8, 8))


def protocol_of(word: str, of: Reference) -> str:
    """The digest of how FID is measured against a reference that the metric calls so."""
    metric = Fid(reference=word)
    return Protocol(
        metric={**describe(metric), "version": metric.version},
        num_samples=40,
        num_classes=None,
        seed=0,
        network=metric.view.network,
        network_sha256="0" * 64,
        mode=metric.view.mode,
        quantised=True,
        reference=of,
    ).digest


def listed_in(home: Folder, capsys: pytest.CaptureFixture[str]) -> list[str]:
    ls(home.url)
    return capsys.readouterr().out.splitlines()


def test_a_wish_is_granted_where_its_files_are_and_named_where_they_are_not(
    tmp_path: Path, home: Folder, weights: Path
):
    wishes = {"num_fresh": 30, "metrics": [{"plugin": "fd-features"}, "lpips-to-teacher", "paired"]}
    recipe = run(tmp_path, home, metrics=["variance"], where_files_are=wishes).recipe
    assert [metric.plugin for metric in recipe.evaluation.metrics] == ["variance", "paired"]
    assert recipe.evaluation.num_fresh == 30
    assert missing_words(recipe).startswith(
        "fd-features and lpips-to-teacher aren't measured: the weights folder lacks dinov2_vitl14.pt"
    )
    path, asked = str(tmp_path / "noise.yaml"), ["evaluation.metrics=[variance]"]
    assert missing_words(load_recipe(path, overrides=asked)) == ""


def test_wishes_of_the_projects_recipes_leave_the_rest_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    for name, statistics in (("cifar10", "cifar10-32x32"), ("ffhq64", "ffhq-64x64")):
        evaluation = load_recipe(name, overrides=OF_EDM).evaluation
        assert [metric.plugin for metric in evaluation.metrics] == ["paired", "variance"]
        assert (evaluation.num_fresh, evaluation.batch_size) == (1000, 250)
        assert "where_files_are" not in evaluation.measured()
        assert f"{statistics}.npz" in missing_words(load_recipe(name, overrides=OF_EDM))


OF_EDM = [
    "teacher={name: t, model: {plugin: gaussian, mean: 0.0, std: 0.5}}",
    "pairs.sampler={plugin: euler, num_steps: 2}",
    "pairs.pairs.noise.scale=1.0",
    "pairs.sampling_batch=10",
]
