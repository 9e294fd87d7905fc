"""A velocity of pictures and the loss that it is learned by."""

from dataclasses import replace

import torch
from torch import Tensor

from kdm.batch import Batch
from kdm.draws import draws
from kdm.networks.guided_unet import GuidedUNet
from kdm.objective import Losses
from kdm.shapes import Labels, Samples
from pairgen.precision import in_type
from pairgen.teachers.augmentation import mirrored
from pairgen.teachers.flow_matching_field import flow_matching_losses
from pairgen.teachers.flow_matching_unet import FlowMatchingUNet
from pairgen.teachers.teacher import Teacher


class PictureVelocity(Teacher):
    """dx/dt by a network of (x, t, label); no label is the network's label for none."""

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self, network: GuidedUNet) -> None:
        super().__init__()
        self.network = network

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt at images x and the time t (0-d or [n]), in x's type."""
        with in_type(self.dtype, x.device):
            found: Samples = self.network(x.to(torch.float32), t.to(torch.float32), label)
        return found.to(x)


def picture_losses(options: FlowMatchingUNet, field: PictureVelocity, batch: Batch) -> Losses:
    """`flow_matching_losses` of pictures, some of them mirrored, some without their label."""
    x_0 = mirrored(batch.x_0) if options.flip else batch.x_0
    label = batch.label
    if label is not None and options.label_dropout:
        is_hidden = draws().uniform((len(label),), like=x_0) < options.label_dropout
        label = torch.where(is_hidden, options.num_classes, label)
    return flow_matching_losses(field, replace(batch, x_0=x_0, label=label))
