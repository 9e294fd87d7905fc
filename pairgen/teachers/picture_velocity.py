"""A velocity network of pictures on the straight path, and the loss it is trained by (Lipman et al. 2023).

x_t = (1 - t) x_0 + t x_T, dx/dt = x_T - x_0, as in `flow_matching_field`, with pictures x [n, C, H, W].
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kdm.batch import Batch
from kdm.level import Level, straight_path
from kdm.networks.guided_unet import GuidedUNet
from kdm.objective import Losses
from kdm.randomness.draws import draws
from kdm.shapes import Labels, Samples
from pairgen.field import Teacher
from pairgen.teachers.augmentation import mirrored
from pairgen.teachers.flow_matching_field import flow_matching_losses


class PictureVelocity(Teacher):
    """dx/dt by a network of (x, t, label); no label is the network's label for none."""

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self, network: GuidedUNet) -> None:
        super().__init__()
        self.network = network

    def level(self, t: float) -> Level:
        """That of the straight path."""
        return straight_path(t)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt at images x and the time t (0-d or [n]), in x's type."""
        with self.in_dtype(x.device):
            found: Samples = self.network(x.to(torch.float32), t.to(torch.float32), label)
        return found.to(x)


@dataclass(frozen=True)
class PictureLoss:
    """`flow_matching_losses` of pictures, some of them mirrored, some without their label."""

    field: PictureVelocity
    num_classes: int  # also the network's label for none
    label_dropout: float  # the share of labels that is hidden
    flip: bool

    def __call__(self, batch: Batch) -> Losses:
        """The loss, [ ], of a batch with x_0 [n, C, H, W] and labels [n]."""
        x_0 = mirrored(batch.x_0) if self.flip else batch.x_0
        label = batch.label
        if label is not None and self.label_dropout:
            is_hidden = draws().uniform((len(label),), like=x_0) < self.label_dropout
            label = torch.where(is_hidden, self.num_classes, label)
        return flow_matching_losses(self.field, replace(batch, x_0=x_0, label=label))
