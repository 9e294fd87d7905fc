"""A few samples of an imported teacher, to look at beside its card."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.shapes import Samples
from pairgen.field import Teacher
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.teachers.imported_network import Kind
from storage.noise import derive_labels, derive_noise
from storage.records import LabelRule, NoiseRule

Report = Callable[[int], None]  # of the images that are done

_AT_ONCE = 4  # images, so that a large network's maps take less memory than its weights


@torch.no_grad()
def samples_of(
    teacher: Teacher, kind: Kind, sampler: FixedSteps, *, count: int, report: Report
) -> NDArray[np.uint8]:
    """`count` images [n, C, H, W] from noise that depends on their shape alone; classes in turn."""
    noise, images = NoiseRule(scale=teacher.noise_scale), []
    for first in range(0, count, _AT_ONCE):
        index = np.arange(first, min(first + _AT_ONCE, count))
        x_T = torch.from_numpy(derive_noise(noise, "train", index, kind.shape))
        images.append(_in_bytes(sampler.sample(teacher, x_T, _labels(kind, index)).x_0))
        report(int(index[-1]) + 1)
    return np.concatenate(images)


def _in_bytes(x_0: Samples) -> NDArray[np.uint8]:
    """[-1, 1] as bytes, truncated like EDM's `generate.py`: x · 127.5 + 128 (Karras et al. 2022)."""
    return (x_0 * 127.5 + 128).clip(0, 255).to(torch.uint8).numpy()


def _labels(kind: Kind, index: NDArray[np.int64]) -> torch.Tensor | None:
    if not kind.num_classes:
        return None
    rule = LabelRule(num_classes=kind.num_classes)
    return torch.from_numpy(derive_labels(rule, seed=0, split="train", index=index))
