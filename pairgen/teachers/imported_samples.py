"""A few samples of a teacher, to look at."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.shapes import Samples
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.teachers.imported_network import Kind
from pairgen.teachers.teacher import Teacher
from storage.noise import derive_labels, derive_noise
from storage.records import LabelRule, NoiseRule

Report = Callable[[int], None]  # of the steps that are done


@torch.no_grad()
def samples_of(
    teacher: Teacher, kind: Kind, sampler: FixedSteps, *, count: int, report: Report
) -> NDArray[np.uint8]:
    """`count` images [n, C, H, W] from noise that depends on their shape alone; classes in turn."""
    index = np.arange(count)
    noise = NoiseRule(scale=teacher.noise_scale)
    x_T = torch.from_numpy(derive_noise(noise, "train", index, kind.shape))
    passed = sampler.steps(teacher, x_T, _labels(kind, index))
    *_, x_0 = (_told(x, done, report) for done, x in enumerate(passed, start=1))
    return (x_0 * 127.5 + 128).clip(0, 255).to(torch.uint8).numpy()  # truncated, as EDM's


def _told(x: Samples, done: int, report: Report) -> Samples:
    report(done)
    return x


def _labels(kind: Kind, index: NDArray[np.int64]) -> torch.Tensor | None:
    if not kind.num_classes:
        return None
    rule = LabelRule(num_classes=kind.num_classes)
    return torch.from_numpy(derive_labels(rule, seed=0, split="train", index=index))
