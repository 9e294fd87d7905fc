"""What each departure from the published training is worth, at equal steps.

Students differ in one setting each; all read the same shards of the recipe `checkerboard` or, of
pictures, `digits-from-scratch`, in a home that KDM_BENCH_HOME keeps between runs. Steps are fewer than the
recipe's, to end in minutes.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.picture_variants import PICTURE_EVALUATION, PICTURE_VARIANTS, SMALL_PRESET
from flows.config.load import load_recipe
from flows.documents.timings import read_timings
from flows.stage import Run
from flows.stages.sequence import run_stages
from storage.folders import Folder, folder_at
from storage.yaml_text import yaml_text

PUBLISHED_LOSSES = {"rec": 1.0, "lat": 1.0}
POINT_VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "no prediction loss": {"model": {"losses": {**PUBLISHED_LOSSES, "pred": 0.0}}},
    "rec, lat and pred of equal weight": {"model": {"losses": PUBLISHED_LOSSES}},
    "latent noise 0.4": {"model": {"losses": {"latent_noise": 0.4}}},
    "no latent noise": {"model": {"losses": {"latent_noise": 0.0}}},
    "EMA 0.9999 without warm-up": {"training": {"ema": {"decay": 0.9999, "warmup": None}}},
    "no EMA": {"training": {"ema": None}},
    "constant rate 3e-4": {"training": {"schedule": "constant", "learning_rate": 3e-4}},
    "PyTorch's initial weights": {"model": {"networks": {"gain": 1.0, "noise_gain": 1.0}}},
}


@dataclass(frozen=True)
class Ablation:
    """One student for so many steps, in variants; columns are its numbers with their formats."""

    num_steps: int
    seeds: tuple[int, ...]
    variants: Mapping[str, Mapping[str, Any]]
    columns: Mapping[str, str]
    student: Mapping[str, Any] | None = None  # None: the recipe's first
    evaluation: Mapping[str, Any] = field(default_factory=dict)  # in place of the recipe's


ABLATIONS = {
    "checkerboard": Ablation(
        num_steps=4000,
        seeds=(0, 1),
        variants=POINT_VARIANTS,
        columns={
            "same_cell": ".2%",
            "in_cells": ".2%",
            "median_squared_error": ".2e",
            "paired_mse_trimmed": ".2e",
        },
    ),
    "digits-from-scratch": Ablation(
        num_steps=400,
        seeds=(0,),
        variants=PICTURE_VARIANTS,
        columns={
            "frechet_over_teachers": ".1f",
            "paired_over_class_shuffled": ".3f",
            "variance_over_teachers": ".2f",
            "class_agreement": ".1%",
        },
        student=SMALL_PRESET,
        evaluation=PICTURE_EVALUATION,
    ),
}


def table(recipe: str = "checkerboard") -> Iterator[str]:
    ablation = ABLATIONS[recipe]
    yield f"{recipe}, {ablation.num_steps:,} steps; mean over seeds {ablation.seeds}"
    yield ""
    heads = [name.replace("_", " ") for name in ablation.columns]
    yield f"| variant | {' | '.join(heads)} | CPU s |"
    yield "|---|" + (len(heads) + 1) * "---:|"
    with tempfile.TemporaryDirectory() as temporary:
        home = folder_at(os.environ.get("KDM_BENCH_HOME", temporary))
        for name, changes in ablation.variants.items():
            measured = [_measured(home, recipe, changes, seed) for seed in ablation.seeds]
            yield _row(name, ablation.columns, measured)


def _measured(home: Folder, recipe: str, changes: Mapping[str, Any], seed: int) -> dict[str, float]:
    document = load_recipe(recipe).document()
    ablation = ABLATIONS[recipe]
    training = {"num_steps": ablation.num_steps, "seed": seed}
    student = _merged(ablation.student or document["students"][0], changes)
    document["evaluation"] |= ablation.evaluation
    document["students"] = [_merged(student, {"training": training})]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ablation.yaml"
        path.write_text(yaml_text(document), encoding="utf-8")
        changed = load_recipe(str(path))
    results = run_stages(Run(changed, home), until="evaluate")
    timings = read_timings(folder_at(results[-1].folder))
    return {**results[-1].facts["values"], "cpu_seconds": timings["cpu_seconds"]}


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        both = both and "plugin" not in value  # another plugin has other options
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _row(name: str, columns: Mapping[str, str], measured: list[dict[str, float]]) -> str:
    def mean(key: str) -> float:
        return sum(values[key] for values in measured) / len(measured)

    cells = [f"{mean(key):{form}}" for key, form in columns.items()]
    return f"| {name} | {' | '.join(cells)} | {mean('cpu_seconds'):.0f} |"
