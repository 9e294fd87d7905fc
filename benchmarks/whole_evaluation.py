"""`kdm evaluate` of pictures of 3×32×32 with every metric through a network: its peak memory.

Teacher, student and networks are stand-ins that take no time to speak of: a Gaussian in closed form, a small
layer, `pictures_pass`'s network, and LPIPS's with random weights. Pairs and real pictures are as many as a
real evaluation has: a training pair for each picture of the teacher's two sets, 4,096 held-out pairs.
"""

import hashlib
import io
import math
import os
from pathlib import Path

import numpy as np

from benchmarks.measured import Measured, kdm, measured

RECIPE = """
name: whole
title: A whole evaluation
teacher: {{name: gaussian, model: {{plugin: gaussian, mean: 0.0, std: 0.5}}}}
dataset: {{kind: arrays, source: {folder}/real.npy, shape: [3, 32, 32]}}
pairs:
  kind: generated
  name: whole
  sampler: {{plugin: euler, num_steps: 2}}
  pairs: {{shape: [3, 32, 32], noise: {{seed: 1}}, x_0_dtype: uint8, rounding: half-even}}
  train: {num_train}
  heldout: 4096
students:
  - name: regression
    model: {{plugin: regression, width: 8, num_layers: 2}}
    training: {{num_steps: 5, batch_size: 32, warmup_steps: 2, trackers: []}}
evaluation:
  num_fresh: {count}
  batch_size: 250
  metrics:
    - paired
    - variance
    - fid
    - fid-infinity
    - kid
    - inception-score
    - precision-recall
    - {{plugin: lpips-to-teacher, trunk: {trunk}}}
"""


def whole_evaluation(folder: Path, pictures: np.ndarray) -> Measured:
    """The command's, where pairs and student are made before; $KDM_WEIGHTS has the network."""
    home, recipe = str(folder / "home"), folder / "whole.yaml"
    np.save(folder / "real.npy", pictures)
    trunk = _random_trunk(Path(os.environ["KDM_WEIGHTS"]))
    given = {"count": len(pictures), "num_train": 2 * len(pictures), "trunk": trunk}
    recipe.write_text(RECIPE.format(folder=folder, **given), encoding="utf-8")
    how = (str(recipe), "--home", home, "--direct", "--device", "cpu")
    measured("student", kdm("distill", *how))
    return measured("evaluation", kdm("evaluate", *how))


def _random_trunk(folder: Path) -> str:
    """LPIPS's AlexNet with random weights, in torchvision's format."""
    import torch

    from kdm.torchvision_import import import_torchvision

    import_torchvision()
    from torchvision import models

    torch.manual_seed(0)
    state = {
        f"features.{name}": torch.randn_like(each) * math.sqrt(2 / max(1, each[0].numel()))
        for name, each in models.alexnet(weights=None).features.state_dict().items()
    }
    file = io.BytesIO()
    torch.save(state, file)
    name = f"stand-in-alex-{hashlib.sha256(file.getvalue()).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(file.getvalue())
    return name
