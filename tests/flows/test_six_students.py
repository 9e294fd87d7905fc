"""Six students learn from one store: its shards stay as they are, and one table compares them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from faults.here import train_here

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.documents.standings import standings
from flows.stage import Run
from flows.stages.sequence import run_stages
from kdm.trained import read_config
from storage.folders import Folder, folder_at

UNET = {"kind": "song-unet", "model_channels": 8, "channel_mult": [1], "num_blocks": 1}
KOOPMAN = {"networks": {**UNET, "latent_dim": 6}}
MODELS = {
    "kdm": {"plugin": "kdm", **KOOPMAN},
    "kdm-f": {"plugin": "kdm-f", **KOOPMAN},
    "get": {"plugin": "get", "network": {"width": 16, "depth": 1, "num_heads": 2}},
    "regression": {"plugin": "regression", "network": UNET},
    "reflow": {"plugin": "reflow", "network": UNET, "num_steps": 2},
    "kdm-t": {"plugin": "kdm-t", "networks": UNET, "num_steps": 2},
}
TRAINING = {
    "num_steps": 4,
    "batch_size": 16,
    "warmup_steps": 2,
    "samples_every": 4,
    "trackers": [],
}
MADE = """
name: made
title: Pictures from a field known in closed form (numbers mean nothing)
teacher: {name: gaussian, model: {plugin: gaussian, mean: 0.0, std: 0.5}}
pairs:
  kind: generated
  name: made
  sampler: {plugin: euler, num_steps: 2}
  pairs: {shape: [3, 8, 8], noise: {seed: 1}, label: {rule: cycle, num_classes: 10}, num_states: 1}
  train: 256
  heldout: 64
  layout: wds-64
"""


def recipe(folder: Path, document: dict[str, object], home: Folder | None = None) -> Recipe:
    (folder / "recipe.yaml").write_text(yaml.safe_dump(document))
    return load_recipe(str(folder / "recipe.yaml"), home=home)


def test_six_students_learn_from_one_store_that_no_one_changes(
    tmp_path: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    made = run_stages(Run(recipe(tmp_path, yaml.safe_load(MADE)), home), until="generate-pairs")
    pairs = folder_at(made[-1].folder)
    before = {name: pairs.read(name) for name in pairs.files()}
    students = [
        {"name": name, "model": model, "training": TRAINING} for name, model in MODELS.items()
    ]
    compared = {
        "name": "compared",
        "title": "Six students of one store",
        "pairs": {"stored": pairs.url},
        "students": students,
        "evaluation": {"metrics": ["paired", "variance"], "num_fresh": 32},
    }
    elsewhere = folder_at(str(tmp_path / "elsewhere"))
    run = Run(recipe(tmp_path, compared, elsewhere), elsewhere)
    results = run_stages(run)
    table = standings(run, results)
    assert table is not None
    assert table.names == ("teacher", *MODELS)
    assert all(f">{name}<" in page(results[-1].folder) for name in MODELS)
    assert {name: pairs.read(name) for name in pairs.files()} == before
    assert elsewhere.names() == ["reports", "students"]
    assert students_config(elsewhere, "kdm-t")["model"]["levels"] == [[0.0, 1.0], [0.5, 0.5]]

    steps = load_recipe(
        str(tmp_path / "recipe.yaml"), home=elsewhere, overrides=["evaluation.num_steps=1"]
    )
    with pytest.raises(ValueError, match="doesn't sample in steps; leave it out"):
        run_stages(Run(steps, elsewhere), students=["kdm"], until="evaluate")
    again = run_stages(Run(steps, elsewhere), students=["kdm-t"], until="evaluate")
    one, two = (
        each[-1].facts["values"]
        for each in (again, run_stages(run, students=["kdm-t"], until="evaluate"))
    )
    assert one["paired_mse"] != two["paired_mse"]
    assert (
        two
        == next(
            each
            for each in results
            if each.facts.get("student") == "kdm-t" and "values" in each.facts
        ).facts["values"]
    )


def students_config(home: Folder, name: str) -> dict[str, Any]:
    (folder,) = (home / "students" / each for each in (home / "students").names() if name in each)
    config = read_config(folder)
    assert config is not None
    return config


def page(folder: str) -> str:
    return folder_at(folder).read("report.html").decode()
