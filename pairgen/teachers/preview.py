"""The training of a teacher with a few samples to look at on the way."""

from functools import partial

import torch
from torch import nn

from kdm.objective import Loss, Objective, Player
from kdm.shapes import Samples
from pairgen.field import Teacher
from pairgen.samplers.sampler import Sampler

NUM_SAMPLES = 64
_SEED = 0  # the same noise each time, so that pictures of one training can be compared


def training_of(
    field: Teacher,
    loss: Loss,
    network: nn.Module,
    sampler: Sampler | None,
    shape: tuple[int, ...],
    *,
    num_classes: int = 0,
) -> Objective:
    """What the trainer is given: `network`, the part of `field` with weights, learns by `loss`.

    Pictures of its samples are drawn by `sampler`; None draws none, as for points.
    """
    player = Player("teacher", field, loss)
    if sampler is None:
        return Objective(field, (player,), networks=(network,))
    draw = partial(preview, field, sampler, shape, num_classes=num_classes)
    return Objective(field, (player,), draw=draw, networks=(network,))


def preview(
    teacher: Teacher, sampler: Sampler, shape: tuple[int, ...], *, num_classes: int
) -> Samples:
    """x_0 [64, *shape] from the same noise each time, classes in turn; 0 classes: without labels."""
    generator = torch.Generator().manual_seed(_SEED)
    x_T = teacher.noise_scale * torch.randn(NUM_SAMPLES, *shape, generator=generator)
    device = next(teacher.parameters()).device
    label = torch.arange(NUM_SAMPLES, device=device) % num_classes if num_classes else None
    return sampler.sample(teacher, x_T.to(device), label).x_0
