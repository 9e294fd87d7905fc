"""What is asked of a frozen home, when it is made and ever after: a few samples of each network."""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from kdm.students.loading import load_student
from kdm.trained import read_config
from pairgen.teachers.teacher import load_teacher
from storage.folders import Folder
from storage.masks import Mask
from storage.noise import derive_noise
from storage.plugins import configure
from storage.records import NoiseRule
from storage.store import PairStore

FROZEN = Path(__file__).with_name("golden") / "home-v1.tar.gz"
LAYOUTS = ("wds-32", "zarr-32")
SHAPE, ROWS = (1, 8, 8), 3
NUM_PAIRS = 32  # of each split
SIGMA = 2.0  # where the teacher is asked: its noise's standard deviation there


def unpacked(place: Path) -> Path:
    """The frozen home, in a folder below `place`."""
    with tarfile.open(FROZEN) as archive:
        archive.extractall(place, filter="data")
    return place / "home"


def noise(scale: float) -> Tensor:
    """x_T (3, 1, 8, 8) of the frozen set's own stream."""
    return torch.from_numpy(
        derive_noise(NoiseRule(seed=1, scale=scale), "train", np.arange(ROWS), SHAPE)
    )


def teacher_values(folder: Folder) -> list[float]:
    """The velocity of a teacher of pictures at t = σ = 2: the first 8 values of each row."""
    config = read_config(folder)
    assert config is not None
    plugin, digest = configure("pairgen.teachers", config["model"]), config["weights"]["sha256"]
    weights = folder.read("model.safetensors")
    teacher = load_teacher(plugin, SHAPE, weights=weights, digest=digest)
    return first_values(teacher.velocity(noise(SIGMA), torch.tensor(SIGMA), torch.arange(ROWS)))


def student_values(folder: Folder, weights: Literal["last", "best"] = "last") -> list[float]:
    """x_0^ of noise of scale 80 and classes 0, 1, 2: the first 8 values of each row."""
    student = load_student(folder.url, weights=weights)
    return first_values(student.generate(noise(80), torch.arange(ROWS)))


def first_values(rows: Tensor) -> list[float]:
    """Of each row 8, one after another."""
    return [float(each) for each in rows.detach().flatten(1)[:, :8].flatten()]


def kept_indices(
    pairs: Folder, split: str, layout: str, masks: Sequence[Mask] | None = None
) -> list[int]:
    """Which of the first 32 pairs of a split these decisions leave, or its only one."""
    store = PairStore.open(pairs, split=split, layout=layout)
    return [int(each) for each in store.load(NUM_PAIRS, masks).pairs.index]
