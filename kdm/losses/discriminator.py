"""The published discriminator D_γ: four convolutions over patches of a picture (kdm.md 1.8)."""

import torch
from torch import nn

from kdm.losses.shared_batch_norm import SharedBatchNorm2d
from kdm.networks.image_shapes import Images
from kdm.shapes import Logits

_LAST_KERNEL = 4  # pixels a side that the last convolution needs
_SLOPE = 0.2  # of LeakyReLU below zero


class Discriminator(nn.Module):
    """Convolutions 4×4 that halve the picture, then one to a logit a patch; it sees no label.

    The first has `width` channels and each one after it twice as many. `has_norm` puts batch
    normalisation after all halving convolutions but the first; it always takes the statistics of
    its batch, which is that of all ranks, as published, in evaluation mode too. Initial weights are
    PyTorch's.
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
        """[n, c, h, w] to a logit for each patch: 1 at 32×32, 25 at 64×64."""
        logits: Logits = self.model(x).flatten(1)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))  # they may be bfloat16

    def train(self, mode: bool = True) -> "Discriminator":
        """In training mode, whatever is asked for: see above."""
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
