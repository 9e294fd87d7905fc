"""How far each sampler with fixed steps is from the exact x_0, for how many evaluations of a teacher.

All start from the same noises. The exact x_0 is stood in for by about 200 evaluations: RK4 for flow
matching, EDM's Heun for noise levels. The paired error is the root mean square, over samples and values, of
the difference from that. A few samples may stray: where paths part, a small error ends in another part of the
data, and two of thousands can make most of the sum. So the median sample's error stands beside it.
"""

import math
import sys
import time
from statistics import median
from typing import NamedTuple

import torch

from kdm.shapes import Samples
from pairgen.field import Teacher
from pairgen.probe import Probe
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.rk4 import RungeKutta4
from pairgen.samplers.rule_of_values import RuleOfValues
from pairgen.samplers.rule_on_grid import RuleOnGrid
from pairgen.teachers.guided import sampled_field
from storage.errors import InvalidPairsError
from storage.plugins import describe, plugin_class, plugin_names

GROUP = "pairgen.samplers"
EVALUATIONS = (5, 7, 9, 11, 15, 18, 25, 35)


class Measured(NamedTuple):
    """A sampler's error beside its cost."""

    sampler: str
    num_steps: int
    evaluations: int  # velocities a sample
    error: float  # RMS difference from the reference, in the units of the samples
    typical: float  # the median over samples of each one's RMS difference: strays don't change it
    estimate: (
        float | None
    )  # the same from the sampler's own estimates, summed over steps; None: it has none
    seconds: float  # of wall time, a sample


def reference_sampler(teacher: Teacher) -> FixedSteps:
    """About 200 evaluations of the most accurate rule for this kind of teacher."""
    return RungeKutta4(num_steps=50) if teacher.t_noise == 1 else EdmHeun(num_steps=100)


def candidates(teacher: Teacher, own: FixedSteps | None) -> list[FixedSteps]:
    """Every sampler for this kind of teacher, by name and evaluations; and `own`, a recipe's.

    Of each the most steps that 5, 7, … 35 evaluations allow. One that starts from another time than
    the teacher's T isn't among them, because its x_0 is another function of the noise; nor is one whose
    grid the teacher's table of levels doesn't allow.
    """
    kind = "flow matching" if teacher.t_noise == 1 else "noise levels"
    found = [] if own is None else [own]
    for name in plugin_names(GROUP):
        plugin = plugin_class(GROUP, name)
        if not issubclass(plugin, FixedSteps) or plugin.meant_for not in (None, kind):
            continue
        made = (_within(plugin, most) for most in EVALUATIONS)
        found += [each for each in made if each is not None and _is_possible(each, teacher)]
    unique = {str(describe(each)): each for each in found}
    return sorted(unique.values(), key=lambda each: (each.plugin, each.nfe))


def _is_possible(sampler: FixedSteps, teacher: Teacher) -> bool:
    try:
        if isinstance(sampler, RuleOnGrid | RuleOfValues):
            sampler.times(teacher)
        return sampler.begins_at(teacher) == teacher.rounded(teacher.t_noise)
    except ValueError:
        return False


def _within(plugin: type[FixedSteps], most: int) -> FixedSteps | None:
    """The sampler with the most steps in at most so many velocities; None if one step takes more."""
    fitting = (plugin(num_steps=each) for each in range(most, 0, -1))
    return next((each for each in fitting if each.nfe <= most), None)


class Comparison:
    """Samplers of a probe's teacher, all from the same noises, in batches of `at_once`."""

    def __init__(self, probe: Probe, num_samples: int, *, at_once: int) -> None:
        self._field = sampled_field(probe.teacher, probe.spec.guidance)
        x_T, label = probe.drawn(num_samples)
        batches = [slice(first, first + at_once) for first in range(0, num_samples, at_once)]
        self._batches = [(x_T[each], None if label is None else label[each]) for each in batches]
        reference = reference_sampler(self._field)
        self._exact = self._sampled(reference)
        if not self._exact.isfinite().all():
            raise InvalidPairsError(
                "the teacher's samples aren't finite in 200 evaluations; look at its velocities"
            )

        self.reference_error = self._own_error(reference)

    def _own_error(self, reference: FixedSteps) -> float:
        """The reference's error, from its difference from half as many steps (Richardson 1911)."""
        halved = reference.model_copy(update={"num_steps": reference.num_steps // 2})
        return _rms(self._sampled(halved) - self._exact) / float(2**reference.order - 1)

    @torch.no_grad()
    def measured(self, sampler: FixedSteps) -> Measured:
        """The sampler's error, its own estimate of it, and the time it takes."""
        begun = time.perf_counter()
        x_0 = self._sampled(sampler)
        seconds = (time.perf_counter() - begun) / len(x_0)
        away = x_0 - self._exact
        return Measured(
            sampler.plugin,
            sampler.num_steps,
            sampler.nfe,
            _rms(away),
            median(map(_rms, away)),
            self._estimate(sampler),
            seconds,
        )

    def _sampled(self, sampler: FixedSteps) -> Samples:
        """x_0 [n, *shape] in float64, on the host."""
        made = [sampler.sample(self._field, x_T, label).x_0 for x_T, label in self._batches]
        return torch.cat([each.double().cpu() for each in made])

    def _estimate(self, sampler: FixedSteps) -> float | None:
        """Of the first batch, so that it takes little of the whole time."""
        x_T, label = self._batches[0]
        passed = sampler.steps_with_errors(self._field, x_T, label)
        return None if passed is None else sum(_rms(error.double()) for _, error in passed)


def _rms(x: Samples) -> float:
    """The largest float if a value isn't finite: a sampler may diverge, and tables hold numbers."""
    found = float(x.square().mean().sqrt())
    return found if math.isfinite(found) else sys.float_info.max
