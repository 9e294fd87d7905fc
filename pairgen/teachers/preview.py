"""A few samples to look at while a teacher is trained."""

import torch

from kdm.shapes import Samples
from pairgen.samplers.sampler import Sampler
from pairgen.teachers.teacher import Teacher

NUM_SAMPLES = 64
_SEED = 0  # the same noise each time, so that pictures of one training can be compared


def preview(
    teacher: Teacher, sampler: Sampler, shape: tuple[int, ...], *, num_classes: int
) -> Samples:
    """x_0 [64, *shape] from fixed noise, classes in turn; 0 classes: without labels."""
    generator = torch.Generator().manual_seed(_SEED)
    x_T = teacher.noise_scale * torch.randn(NUM_SAMPLES, *shape, generator=generator)
    device = next(teacher.parameters()).device
    label = torch.arange(NUM_SAMPLES, device=device) % num_classes if num_classes else None
    return sampler.sample(teacher, x_T.to(device), label).x_0
