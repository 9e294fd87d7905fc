"""The solvers by which a numeric golden proves a network, plain and in the golden's number types.

EDM: Karras et al. 2022, Algorithm 1 without churn, state in float64. Flow matching: any Runge-Kutta rule in
fixed steps from t = 0 (noise) to 1 (data), state in float32, times in float64.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from kdm.networks.preconditioning import Preconditioner
from kdm.shapes import Samples
from kdm.solvers.rules import EULER, HEUN
from kdm.solvers.tableau import Tableau

Velocity = Callable[[Samples, Tensor], Samples]  # of (x, t), t a float64 scalar


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

    def slope(x: Samples, sigma: float) -> Samples:
        level = _time(sigma)
        calls.append((level, x[:2].to(torch.float32)))
        denoised: Tensor = net(x.to(torch.float32), level, labels)
        return (x - denoised.to(torch.float64)) / level

    sigmas = edm_sigmas(net, num_steps).tolist()
    x = noise.to(torch.float64) * sigmas[0]
    for here, there in pairwise(sigmas):
        rule = HEUN if is_heun and there > 0 else EULER
        x = rule.step(slope, x, here, there)
    levels, inputs = zip(*calls, strict=True)
    return Trajectory(x, torch.stack(levels), torch.stack(inputs))


def flow_solve(velocity: Velocity, noise: Samples, times: Tensor, rule: Tableau) -> Samples:
    """One step of the rule between each two neighbours of `times` [num_steps + 1]."""

    def slope(x: Samples, t: float) -> Samples:
        return velocity(x, _time(t))

    x = noise
    for here, there in pairwise(times.tolist()):
        x = rule.step(slope, x, here, there)
    return x


def _time(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)
