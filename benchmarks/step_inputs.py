"""What both sides of a training iteration begin from: pairs, first weights, and a VGG16 to compare by.

The published distance is piq's LPIPS, whose VGG16 has to be fetched. Its place is taken on both sides by a
VGG16 with random weights: the same layers, pools, sizes and heads, so that it takes what LPIPS takes. It is
no perceptual distance, and no student should learn by it.
"""

import hashlib
import io
import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch

from kdm.losses.lpips import Lpips
from kdm.presets.preset import Preset
from kdm.presets.presets import preset
from kdm.students.plugin import GROUP
from kdm.torchvision_import import import_torchvision
from kdm.training.job import TrainingJob
from kdm.training.options import EmaOptions, TrainingOptions
from storage.folders import folder_at
from storage.noise import derive_noise
from storage.records import PairBatch
from storage.store import PairStore

PAIRS, TRUNK, CRITIC, WEIGHTS = (
    "pairs.npz",
    "trunk.txt",
    "critic.safetensors",
    "student.safetensors",
)


class Case(NamedTuple):
    """A published configuration, and the preset that is the same student."""

    config: str
    preset: str
    batch: int = 8
    device: str = "cpu"


def write_inputs(folder: str, case: Case) -> None:
    """Pairs, the VGG16, and the weights that the student and its critic begin with."""
    torch.manual_seed(0)
    Path(folder, TRUNK).write_text(_write_trunk(Path(folder)), encoding="utf-8")
    _write_pairs(folder, case)
    objective = training_job(folder, case).objective(_chosen(folder, case).schema)
    critic = objective.players[0].module
    for name, module in ((WEIGHTS, objective.model), (CRITIC, critic)):
        Path(folder, name).write_bytes(safetensors.torch.save(module.state_dict()))


def training_job(
    folder: str, case: Case, *, is_still: bool = False, **training: object
) -> TrainingJob:
    """The published training of the preset; `is_still`: without latent noise and dropout."""
    os.environ["KDM_WEIGHTS"] = folder
    student = _chosen(folder, case).student
    if is_still:
        parts = {"networks": {"dropout": 0.0}, "losses": {"latent_noise": 0.0}}
        student = student.model_copy(
            update={
                name: getattr(student, name).model_copy(update=changes)
                for name, changes in parts.items()
            }
        )
    return TrainingJob.model_validate(
        {
            "group": GROUP,
            "model": student,
            "source": {
                "kind": "pairs",
                "url": f"{folder}/pairs",
                "layout": f"wds-{case.batch}",
                "count": case.batch,
            },
            "training": _published(case.batch, training),
            "folder": f"{folder}/{os.getpid()}",
            "device": case.device,
        }
    )


def _published(batch: int, changes: dict[str, object]) -> TrainingOptions:
    """As azencot-group/KDM trains: Adam without a schedule, an average of full decay from step 0."""
    given = {
        "num_steps": 10**9,
        "batch_size": batch,
        "learning_rate": 3e-4,
        "betas": (0.9, 0.999),
        "schedule": "constant",
        "warmup_steps": 0,
        "ema": EmaOptions(decay=0.9999, warmup=None),
        "log_every": 10**9,
        "checkpoint_every": 10**9,
        "samples_every": 0,
        "trackers": (),
    }
    return TrainingOptions.model_validate(given | changes)


def _chosen(folder: str, case: Case) -> Preset:
    trunk = Path(folder, TRUNK).read_text(encoding="utf-8")
    return preset(case.preset, "published", distance=Lpips(trunk=trunk))


def _write_pairs(folder: str, case: Case) -> None:
    """One shard, and each batch is all of it, so that the order of the pairs does not matter."""
    schema, index = _chosen(folder, case).schema, np.arange(case.batch)
    x_0 = np.random.RandomState(0).uniform(-1, 1, (case.batch, *schema.shape)).astype(np.float32)
    x_T = derive_noise(schema.noise, "train", index, schema.shape)
    np.savez(f"{folder}/{PAIRS}", x_0=x_0, x_T=x_T)
    spec = {"version": 1, "pairs": schema.model_dump(mode="json")}
    layout = f"wds-{case.batch}"
    store = PairStore.create(folder_at(f"{folder}/pairs"), spec, split="train", layout=layout)
    store.write(0, PairBatch(index, x_T, x_0), dropped={}, environment={})
    store.commit(case.batch)


def _write_trunk(folder: Path) -> str:
    """The name of a torchvision VGG16's file, without the classifier, which LPIPS has no use for."""
    import_torchvision()
    from torchvision import models

    with torch.device("meta"):
        features = models.vgg16(weights=None).features
    weights = {f"features.{name}": _random(each) for name, each in features.state_dict().items()}
    file = io.BytesIO()
    torch.save(weights, file)
    name = f"random-vgg16-{hashlib.sha256(file.getvalue()).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(file.getvalue())
    return name


def _random(like: torch.Tensor) -> torch.Tensor:
    """He et al. 2015, so that features neither vanish nor grow."""
    shape = like.shape
    deviation = math.sqrt(2 / math.prod(shape[1:])) if like.ndim > 1 else 0.1
    return deviation * torch.randn(shape)
