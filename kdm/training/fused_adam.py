"""One step of Adam (Kingma and Ba 2015, Algorithm 1) by PyTorch's fused kernel.

    m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   θ ← θ − η m̂ / (√v̂ + ε)

with g the gradient, m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) after t steps. The public way to the kernel
is `torch.optim.Adam(fused=True)`, which imports PyTorch's compiler: a second of CPU time for each
training process. So the kernel is called by its private name while it has the arguments known here,
and through the public class in any PyTorch release without them. Both give the same bits.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

# Of aten::_fused_adam_ in PyTorch 2.13. It is private: another release may change it.
_KNOWN_ARGUMENTS = (
    *("self", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "state_steps"),
    *("lr", "beta1", "beta2", "weight_decay", "eps", "amsgrad", "maximize"),
    *("grad_scale", "found_inf"),
)


class Moving(NamedTuple):
    """The parameters that a step moves, and what Adam keeps of each, in the same order."""

    parameters: list[Tensor]  # θ, each with a gradient
    means: list[Tensor]  # m, of its parameter's shape
    squares: list[Tensor]  # v, of its parameter's shape
    num_steps: list[Tensor]  # t, a float32 scalar


class Rule(NamedTuple):
    """The numbers of one step: η, (β₁, β₂) and ε."""

    learning_rate: float
    betas: tuple[float, float]
    epsilon: float


def fused_adam(moving: Moving, rule: Rule) -> None:
    """Move each θ by its gradient, and m, v and t with it, all in place."""
    step = _by_the_kernel if has_kernel_with(_KNOWN_ARGUMENTS) else _by_the_public_class
    step(moving, rule)


@lru_cache(maxsize=8)  # 100 µs, which is 3 % of a small step
def has_kernel_with(arguments: tuple[str, ...]) -> bool:
    """Whether this PyTorch has the private kernel, and with arguments of exactly these names."""
    kernel = getattr(torch.ops.aten, "_fused_adam_", None)
    if kernel is None or not hasattr(torch, "_fused_adam_") or "default" not in kernel.overloads():
        return False
    return tuple(each.name for each in kernel.default._schema.arguments) == arguments


def _by_the_kernel(moving: Moving, rule: Rule) -> None:
    torch._foreach_add_(moving.num_steps, 1)
    torch._fused_adam_(
        moving.parameters,
        [gradient for each in moving.parameters if (gradient := each.grad) is not None],
        moving.means,
        moving.squares,
        [],
        moving.num_steps,
        lr=rule.learning_rate,
        beta1=rule.betas[0],
        beta2=rule.betas[1],
        weight_decay=0.0,
        eps=rule.epsilon,
        amsgrad=False,
        maximize=False,
    )


def _by_the_public_class(moving: Moving, rule: Rule) -> None:
    rate, betas, epsilon = rule
    adam = torch.optim.Adam(moving.parameters, lr=rate, betas=betas, eps=epsilon, fused=True)
    for parameter, m, v, t in zip(*moving, strict=True):
        adam.state[parameter] = {"step": t, "exp_avg": m, "exp_avg_sq": v}
    adam.step()
