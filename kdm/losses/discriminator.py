"""The published discriminator D_γ: "a simple D_γ with four convolutional layers" (Sec. 4).

    (n, 3, 32, 32) ─4×4/2─► 64×16×16 ─4×4/2─► 128×8×8 ─4×4/2─► 256×4×4 ─4×4─► one logit

Sizes and slope are those of the published code; its form is DCGAN's (Radford et al. 2016). Each logit
judges a patch: 32×32 has one, 64×64 has 5×5.
"""

import torch
from torch import nn

from kdm.losses.shared_batch_norm import SharedBatchNorm2d
from kdm.networks.image_shapes import Images
from kdm.shapes import Logits

_LAST_KERNEL = 4  # pixels a side that the last convolution needs
_SLOPE = 0.2  # of LeakyReLU below zero


class Discriminator(nn.Module):
    """4×4 convolutions that halve the picture, then one that makes a logit a patch; it sees no label.

    The first has `width` channels and each one after it twice as many, `num_halvings` in all.
    `has_norm` puts batch normalisation behind all halving convolutions but the first. It uses the
    statistics of its batch (of all ranks together) in evaluation mode too, as the published code does,
    which never leaves training mode. Initial weights are PyTorch's defaults.

    Raises a ValueError for a shape that isn't (c, h, w), or too small for so many halvings.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        width: int = 64,
        num_halvings: int = 3,
        has_norm: bool = True,
    ) -> None:
        super().__init__()
        _require_room(shape, num_halvings)
        layers: list[nn.Module] = []
        before = shape[0]
        for number in range(num_halvings):
            here = width * 2**number
            layers.append(nn.Conv2d(before, here, 4, stride=2, padding=1))
            if has_norm and number:
                layers.append(SharedBatchNorm2d(here))
            layers.append(nn.LeakyReLU(_SLOPE))
            before = here
        self.model = nn.Sequential(*layers, nn.Conv2d(before, 1, _LAST_KERNEL))

    def forward(self, x: Images) -> Logits:
        """Pictures (n, c, h, w) of −1 … 1 to logits (n, patches), float32 at least.

        Positive if the critic takes a patch for the teacher's.
        """
        logits: Logits = self.model(x).flatten(1)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))  # they may be bfloat16

    def train(self, mode: bool = True) -> "Discriminator":
        """Stays in training mode, for any `mode`: see the class."""
        return super().train(True)


def _require_room(shape: tuple[int, ...], num_halvings: int) -> None:
    if len(shape) != 3:
        raise ValueError(
            f"a critic looks at pictures, of shape (C, H, W), not {shape}; set adversary to null"
        )
    smallest = min(shape[1:])
    if smallest >> num_halvings >= _LAST_KERNEL:
        return
    most = (smallest // _LAST_KERNEL).bit_length() - 1
    remedy = f"use at most {most}" if most > 0 else "set adversary to null"
    raise ValueError(
        f"adversary.num_halvings is {num_halvings}, which leaves less than {_LAST_KERNEL} of "
        f"{smallest} pixels a side; {remedy}"
    )
