"""What each departure from the published checkerboard training is worth, at equal steps.

Students differ in one setting each; all read the same shards of the recipe `checkerboard`, in a
home that KDM_BENCH_HOME keeps between runs. Steps are fewer than the recipe's, to end in minutes.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from flows.recipe import load_recipe
from flows.sequence import run_stages
from flows.stages.run import Run
from flows.stages.timings import read_timings
from storage.fs import Folder

NUM_STEPS = 4000
SEEDS = (0, 1)
PUBLISHED_LOSSES = {"rec": 1.0, "lat": 1.0}
VARIANTS: dict[str, dict[str, Any]] = {
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


def table() -> Iterator[str]:
    yield f"{NUM_STEPS:,} steps; mean over seeds {SEEDS}"
    yield ""
    yield "| variant | same cell | in cells | median squared error | trimmed MSE | CPU s |"
    yield "|---|---:|---:|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as temporary:
        home = Folder.at(os.environ.get("KDM_BENCH_HOME", temporary))
        for name, changes in VARIANTS.items():
            yield _row(name, [_measured(home, changes, seed) for seed in SEEDS])


def _measured(home: Folder, changes: Mapping[str, Any], seed: int) -> dict[str, float]:
    document = load_recipe("checkerboard").document()
    student = document["students"][0]
    training = {"num_steps": NUM_STEPS, "seed": seed}
    document["students"] = [_merged(_merged(student, changes), {"training": training})]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ablation.yaml"
        path.write_text(yaml.safe_dump(document))
        recipe = load_recipe(str(path))
    results = run_stages(Run(recipe, home), until="evaluate")
    timings = read_timings(Folder.at(results[-1].folder))
    return {**results[-1].facts["values"], "cpu_seconds": timings["cpu_seconds"]}


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _row(name: str, measured: list[dict[str, float]]) -> str:
    def mean(key: str) -> float:
        return sum(values[key] for values in measured) / len(measured)

    return (
        f"| {name} | {100 * mean('same_cell'):.2f}% | {100 * mean('in_cells'):.2f}% "
        f"| {mean('median_squared_error'):.2e} | {mean('paired_mse_trimmed'):.2e} "
        f"| {mean('cpu_seconds'):.0f} |"
    )
