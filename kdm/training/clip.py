"""Gradients of bounded length (Pascanu et al. 2013, Algorithm 1).

    g ← g · min(1, c / ‖g‖),   ‖g‖ over all parameters of a player together

A batch that goes wrong then moves the weights by a step of usual length. Adam's moments see the shortened
gradient. SlimFlow (Zhu et al. 2024) trains one-step students with c = 1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def clip_(parameters: Sequence[Tensor], limit: float) -> None:
    """Shorten the gradients of `parameters`, each of its parameter's shape, to a joint norm of `limit`.

    Those without a gradient don't count. A norm that isn't finite is left as it is: what happens then is
    decided by `training.on_non_finite`.
    """
    gradients = [each.grad for each in parameters if each.grad is not None]
    if not gradients:
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    share = torch.where(norm.isfinite() & (norm > limit), limit / norm, torch.ones_like(norm))
    torch._foreach_mul_(gradients, share)
