"""An evaluation of pictures needs as much memory for many as for few."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from storage.folders import folder_at
from storage.records import PairSchema
from storage.store import PairStore

SCHEMA = PairSchema(shape=(3, 16, 16), x_0_dtype="uint8", rounding="half-even")
COUNTS = FEW, MANY = 5_500, 14_000
RECIPE = """
name: many
title: Many pictures
teacher: {name: gaussian, model: {plugin: gaussian, mean: 0.0, std: 0.5}}
pairs:
  kind: generated
  name: many
  sampler: {plugin: euler, num_steps: 2}
  pairs: {shape: [3, 16, 16], noise: {seed: 1, scale: 1.0}}
  train: 28000
  heldout: 256
  layout: wds-1024
students:
  - {name: regression, model: {plugin: regression, width: 8, num_layers: 2}, training: {num_steps: 1}}
evaluation:
  batch_size: 500
  metrics: [paired, {plugin: fd-features, network: net.pt, size: 8, reference: net.npz}]
"""
PEAK = """
import sys
from flows.config.load import load_recipe
from flows.documents.evaluated_samples import teacher_samples
from flows.stage import Run, StageResult
from kdm.evaluate.evaluate import evaluate_student
from storage.folders import folder_at

home, recipe, *counts = sys.argv[1:]
judged = StageResult("filter-pairs", "many", home + "/pairs", "0" * 64, "done")
for count in counts:
    run = Run(load_recipe(recipe, overrides=[f"evaluation.num_fresh={count}"]), folder_at(home))
    teacher = teacher_samples(run, judged)
    student = run.recipe.students[0].model.build(teacher.schema)
    found = evaluate_student(student, teacher, options=run.recipe.evaluation)
    assert found["num_fresh"] == int(count) and found["values"]["fd_features"] > 0
    # Not ru_maxrss, which begins with what the parent had.
    print(next(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
"""


class Means(nn.Module):
    """Each channel's mean and mean square."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean((2, 3)), (x * x).mean((2, 3))], dim=1)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path):
    weights, recipe = tmp_path / "weights", tmp_path / "many.yaml"
    weights.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Means()).save(str(weights / "net.pt"))
    np.savez(weights / "net.npz", mu=np.zeros(6), sigma=np.eye(6))
    recipe.write_text(RECIPE)
    write_pairs(tmp_path / "home" / "pairs", train=2 * MANY, heldout=256)

    command = [sys.executable, "-c", PEAK, str(tmp_path / "home"), str(recipe), *map(str, COUNTS)]
    environment = {**os.environ, "KDM_WEIGHTS": str(weights)}
    of_few, of_many = subprocess.check_output(command, env=environment).split()
    assert int(of_many) <= 1.1 * int(of_few)


def write_pairs(folder: Path, **counts: int) -> None:
    spec = {"version": 1, "pairs": SCHEMA.model_dump(mode="json")}
    pictures = np.random.RandomState(0).randint(0, 256, (1_024, *SCHEMA.shape)).astype(np.uint8)
    for split, count in counts.items():
        store = PairStore.create(folder_at(str(folder)), spec, split=split, layout="wds-1024")
        for shard in store.missing(count):
            columns = {"index": store.indices(shard), "x_0": pictures}
            store.write_columns(shard, columns, dropped={}, environment={})
        store.commit(count)
