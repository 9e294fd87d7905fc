"""The solvers by which a numeric golden proves a network, plain and in the golden's number types.

EDM: Karras et al. 2022, Algorithm 1 without churn, state in float64. Flow matching: fixed-step Euler,
midpoint and Heun from t = 0 (noise) to 1 (data), state in float32, times in float64.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from kdm.networks.preconditioning import Preconditioner
from kdm.shapes import Samples

Velocity = Callable[[Samples, Tensor], Samples]  # of (x, t), t a float64 scalar
Step = Callable[[Velocity, Samples, Tensor, Tensor], Samples]  # of (velocity, x, t, h)


class Trajectory(NamedTuple):
    """Where a solver ended, and the σ and the first two inputs of each of its evaluations."""

    end: Samples
    sigmas: Tensor
    inputs: Tensor


def edm_sigmas(net: Preconditioner, num_steps: int) -> Tensor:
    """The noise levels of Eq. 5 with ρ = 7, between 80 and 0.002 or what the network knows; then 0."""
    low, high = max(0.002, net.sigma_min) ** (1 / 7), min(80.0, net.sigma_max) ** (1 / 7)
    share = torch.arange(num_steps, dtype=torch.float64) / (num_steps - 1)
    sigmas = net.round_sigma((high + share * (low - high)) ** 7)
    return torch.cat([sigmas, torch.zeros(1, dtype=torch.float64)])


def edm_solve(
    net: Preconditioner,
    noise: Samples,
    labels: Tensor | None,
    *,
    num_steps: int,
    is_heun: bool = True,
) -> Trajectory:
    """Heun's method (Euler's without `is_heun`) along `edm_sigmas` from unit noise."""
    calls: list[tuple[Tensor, Tensor]] = []

    def slope(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append((sigma, x[:2].to(torch.float32)))
        denoised: Tensor = net(x.to(torch.float32), sigma, labels)
        return (x - denoised.to(torch.float64)) / sigma

    sigmas = edm_sigmas(net, num_steps)
    x = noise.to(torch.float64) * sigmas[0]
    for here, there in pairwise(sigmas):
        d = slope(x, here)
        proposed = x + (there - here) * d
        if is_heun and there > 0:
            proposed = x + (there - here) * (d + slope(proposed, there)) / 2
        x = proposed
    levels, inputs = zip(*calls, strict=True)
    return Trajectory(x, torch.stack(levels), torch.stack(inputs))


def flow_solve(velocity: Velocity, noise: Samples, times: Tensor, step: Step) -> Samples:
    """One step between each two neighbours of `times`."""
    x = noise
    for here, there in pairwise(times):
        x = step(velocity, x, here, there - here)
    return x


def euler(velocity: Velocity, x: Samples, t: Tensor, h: Tensor) -> Samples:
    """x + h v(x, t)."""
    return x + h * velocity(x, t)


def midpoint(velocity: Velocity, x: Samples, t: Tensor, h: Tensor) -> Samples:
    """x + h v at the middle of Euler's step."""
    return x + h * velocity(x + h / 2 * velocity(x, t), t + h / 2)


def heun(velocity: Velocity, x: Samples, t: Tensor, h: Tensor) -> Samples:
    """x + h times the mean of v at both ends of Euler's step."""
    first = velocity(x, t)
    return x + h / 2 * (first + velocity(x + h * first, t + h))
