"""A teacher as the schedulers of diffusers call it: which one takes the steps of which of our samplers.

| field | network | scheduler | the same steps as |
|---|---|---|---|
| EDM's, D(x; σ) | (x / √(σ² + 1), t) → (x - D) / σ | HeunDiscreteScheduler | `edm-heun` |
| EDM's | (c_in x, ln(σ) / 4) → (D - c_skip x) / c_out | EDMDPMSolverMultistepScheduler | `dpm-2m` |
| the straight path's, v(x, t) | (x, 1000 t) → v | FlowMatchEulerDiscreteScheduler | `euler` |

c_in, c_skip and c_out are those of Karras et al. 2022, Table 1. EDM's schedulers multiply by c_out and add
c_skip x again, so any denoiser fits, whatever its own coefficients.

HeunDiscreteScheduler takes noise levels from a table of β, σ_t² = 1 / ᾱ_t - 1 with ᾱ_t = Π (1 - β). Here the
table is even in ln σ between the ends of EDM's grid, which the scheduler then lays over it (ρ = 7). It keeps
1 - β in float32, where 1 - 4e-6 is rounded: that moves σ_min by 0.1 %.
"""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from torch import Tensor, nn

from kdm.level import straight_path
from kdm.networks.preconditioning import IDDPM, edm_coefficients
from kdm.shapes import Labels, Samples
from pairgen.field import Teacher
from pairgen.recommended import recommended_sampler
from pairgen.samplers.dpm_solver import DpmSolver2M
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.euler import Euler
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.teachers.edm_field import EdmField

_TICKS = 1000  # of diffusers' time, from data to noise
_SIGMA_DATA = 0.5  # any does; diffusers' own default
_FLOW_STEPS = 100  # as torchcfm's Euler


class Scheduled(NamedTuple):
    """What a pipeline needs: the network, the scheduler by its class and options, and our sampler."""

    network: nn.Module  # (x [n, *shape], timestep [1], label [n] or nothing)
    scheduler: str
    options: Mapping[str, Any]
    sampler: FixedSteps  # of the same steps
    timesteps: tuple[float, ...]  # from noise to data, to compare networks at


def scheduled(
    teacher: Teacher, shape: tuple[int, ...], sampler: str = "", num_steps: int | None = None
) -> Scheduled:
    """The teacher of samples of `shape` with the scheduler that takes a sampler's steps.

    Without `sampler` that is `edm-heun` or `euler`. Raises a ValueError if no scheduler of diffusers fits.
    """
    ways: dict[str, Callable[[], Scheduled]]
    if isinstance(teacher, EdmField):
        _require_any_level(teacher)
        recommended = recommended_sampler(teacher.noise_scale, shape).num_steps
        ways = {
            "edm-heun": lambda: _heun(teacher, EdmHeun(num_steps=num_steps or recommended)),
            "dpm-2m": lambda: _dpm(teacher, DpmSolver2M(num_steps=num_steps or recommended)),
        }
    elif _is_straight(teacher):
        ways = {"euler": lambda: _flow(teacher, Euler(num_steps=num_steps or _FLOW_STEPS))}
    else:
        raise ValueError(
            f"no scheduler of diffusers takes steps of a {type(teacher).__name__}: they know EDM's noise "
            "levels, and the straight path from N(0, 1)"
        )
    if sampler and sampler not in ways:
        raise ValueError(
            f"--sampler {sampler[:40]}: for this teacher diffusers has schedulers with the steps of "
            f"{' and '.join(ways)}; choose one"
        )
    return ways[sampler or next(iter(ways))]()


def _heun(field: EdmField, sampler: EdmHeun) -> Scheduled:
    high, low, _ = type(sampler)(num_steps=2).times(field)  # the ends of any number of steps
    options = {
        "num_train_timesteps": _TICKS,
        "trained_betas": _betas(high, low),
        "prediction_type": "epsilon",
        "use_karras_sigmas": True,
        "timestep_spacing": "linspace",
    }
    network, times = _Noise(field, high, low), (_TICKS - 1.0, _TICKS / 2, 0.0)
    return Scheduled(network, "HeunDiscreteScheduler", options, sampler, times)


def _betas(high: float, low: float) -> list[float]:
    """β of a table that is even in ln σ from `low` to `high`."""
    levels = (low * (high / low) ** (tick / (_TICKS - 1)) for tick in range(_TICKS))
    alphas = [1.0, *(1 / (1 + level**2) for level in levels)]
    return [1 - after / before for before, after in pairwise(alphas)]


def _dpm(field: EdmField, sampler: DpmSolver2M) -> Scheduled:
    high, low, _ = type(sampler)(num_steps=2).times(field)  # the ends of any number of steps
    options = {
        "sigma_min": low,
        "sigma_max": high,
        "sigma_data": _SIGMA_DATA,
        "sigma_schedule": "exponential",
        "num_train_timesteps": _TICKS,
        "prediction_type": "epsilon",
        "solver_order": sampler.order,
        "algorithm_type": "dpmsolver++",
        "solver_type": "midpoint",
        "final_sigmas_type": "zero",
    }
    times = tuple(math.log(sigma) / 4 for sigma in (high, 1.0, low))
    return Scheduled(_Raw(field), "EDMDPMSolverMultistepScheduler", options, sampler, times)


def _flow(teacher: Teacher, sampler: Euler) -> Scheduled:
    options = {"num_train_timesteps": _TICKS, "shift": 1.0}
    kind, times = "FlowMatchEulerDiscreteScheduler", (1000.0, 500.0, 10.0)
    return Scheduled(_Velocity(teacher), kind, options, sampler, times)


def _require_any_level(field: EdmField) -> None:
    if isinstance(field.denoiser, IDDPM):
        raise ValueError(
            "this teacher (iDDPM) knows a table of noise levels alone, and diffusers' schedulers take steps "
            "between them; export a student of it"
        )


def _is_straight(teacher: Teacher) -> bool:
    if type(teacher).level is Teacher.level or teacher.t_noise != 1:
        return False
    return teacher.noise_scale == 1 and teacher.level(0.25) == straight_path(0.25)


class _Noise(nn.Module):
    """The noise (x - D) / σ [n, *shape] at x / √(σ² + 1) and the tick [1] of σ."""

    def __init__(self, field: EdmField, high: float, low: float) -> None:
        super().__init__()
        self.field, self._high, self._low = field, high, low

    def forward(self, scaled: Samples, timestep: Tensor, label: Labels | None = None) -> Samples:
        sigma = self._low * (timestep * (math.log(self._high / self._low) / (_TICKS - 1))).exp()
        x = scaled * (sigma**2 + 1).sqrt()
        return (x - self.field.denoised(x, sigma, label)) / sigma


class _Raw(nn.Module):
    """F [n, *shape] of EDM's form at c_in x and c_noise [1]."""

    def __init__(self, field: EdmField) -> None:
        super().__init__()
        self.field = field

    def forward(self, scaled: Samples, timestep: Tensor, label: Labels | None = None) -> Samples:
        sigma = (4 * timestep).exp()
        c = edm_coefficients(sigma, _SIGMA_DATA)
        x = scaled / c.in_
        denoised = self.field.denoised(x, sigma, label)
        return (denoised - c.skip * x) / c.out


class _Velocity(nn.Module):
    """v [n, *shape] at x and 1000 t [1]."""

    def __init__(self, field: Teacher) -> None:
        super().__init__()
        self.field = field

    def forward(self, x: Samples, timestep: Tensor, label: Labels | None = None) -> Samples:
        return self.field.velocity(x, (timestep / _TICKS).reshape(()), label)
