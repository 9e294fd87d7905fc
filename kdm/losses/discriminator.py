"""The published discriminator D_γ: "a simple D_γ with four convolutional layers" (Sec. 4).

    (n, 3, 32, 32) ─4×4/2─► 64×16×16 ─4×4/2─► 128×8×8 ─4×4/2─► 256×4×4 ─4×4─► one logit

Sizes and slope are those of the published code; its form is DCGAN's (Radford et al. 2016). Each logit
judges a patch: 32×32 has one, 64×64 has 5×5.
"""

import torch
import torch.nn.functional as F
from torch import nn

from kdm.losses.critic_room import LAST_KERNEL, require_room
from kdm.losses.shared_batch_norm import SharedBatchNorm2d
from kdm.networks.image_shapes import Images, OneHot
from kdm.shapes import Logits

_SLOPE = 0.2  # of LeakyReLU below zero


class Discriminator(nn.Module):
    """4×4 convolutions that halve the picture, then one that makes a logit a patch.

    The first has `width` channels and each one after it twice as many, `num_halvings` in all.
    `has_norm` puts batch normalisation behind all halving convolutions but the first. It uses the
    statistics of its batch (of all ranks together) in evaluation mode too, as the published code does,
    which never leaves training mode. Initial weights are PyTorch's defaults.

    With `num_classes` a patch's logit has one more part, the product of an embedding of its class with the
    mean of the patch's features (Miyato and Koyama 2018, Eq. 3); the embedding starts at 0.

    Raises a ValueError for a shape that isn't (c, h, w), or too small for so many halvings.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        width: int = 64,
        num_halvings: int = 3,
        has_norm: bool = True,
        num_classes: int = 0,
    ) -> None:
        super().__init__()
        require_room(shape, num_halvings)
        layers: list[nn.Module] = []
        before = shape[0]
        for number in range(num_halvings):
            here = width * 2**number
            layers.append(nn.Conv2d(before, here, 4, stride=2, padding=1))
            if has_norm and number:
                layers.append(SharedBatchNorm2d(here))
            layers.append(nn.LeakyReLU(_SLOPE))
            before = here
        self.model = nn.Sequential(*layers, nn.Conv2d(before, 1, LAST_KERNEL))
        self.of_class: nn.Linear | None = None
        if num_classes:
            self.of_class = nn.Linear(num_classes, before, bias=False)
            nn.init.zeros_(self.of_class.weight)

    def forward(self, x: Images, labels: OneHot | None = None) -> Logits:
        """Pictures (n, c, h, w) of −1 … 1 and their classes to logits (n, patches), float32 at least.

        Positive if the critic takes a patch for the teacher's.
        """
        if self.of_class is None or labels is None:
            logits: Logits = self.model(x).flatten(1)
        else:
            features = self.model[:-1](x)
            means = F.avg_pool2d(features, LAST_KERNEL, stride=1)
            of_class = torch.einsum("nchw,nc->nhw", means, self.of_class(labels))
            logits = self.model[-1](features).flatten(1) + of_class.flatten(1)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))  # they may be bfloat16

    def train(self, mode: bool = True) -> "Discriminator":
        """Stays in training mode, for any `mode`: see the class."""
        return super().train(True)
