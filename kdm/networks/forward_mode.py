"""The derivative of a network along a direction, in forward mode: one pass beside the usual one.

    ∂_x F · ẋ + ∂_t F · ṫ + …,   F(x, t, …) at the inputs, (ẋ, ṫ, …) the direction

torch.func.jvp computes it layer by layer. torch's layers have such derivatives, except its fused attention;
kernels of our own don't. So in such a pass layers are torch's own and attention is products of matrices,
whatever the processor or the device.
"""

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from kdm.networks.plain import plain_kernels


def derivative_along(
    call: Callable[..., Tensor], inputs: tuple[Tensor, ...], direction: tuple[Tensor, ...]
) -> Tensor:
    """The derivative of call(*inputs) as `inputs` move in `direction`, which has their shapes.

    Without gradients, and in the inputs' number type also under autocast: derivatives lose more digits
    by rounding than values do. `call` must not be compiled by torch.compile; a module's `forward` isn't.
    """
    device = inputs[0].device.type
    # Shapes alone, on the meta device, know no autocast.
    precise = nullcontext() if device == "meta" else torch.autocast(device, enabled=False)
    with torch.no_grad(), precise, plain_kernels(), sdpa_kernel(SDPBackend.MATH):
        derivative: Tensor = torch.func.jvp(call, inputs, direction)[1]
    return derivative
