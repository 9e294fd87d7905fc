"""Samplers beside each other: errors are those from the exact x_0, and multistep rules keep their promise."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pairgen import sampler_errors
from pairgen.field import Teacher
from pairgen.probe import Probe
from pairgen.sampler_errors import EVALUATIONS, Comparison, candidates, reference_sampler
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.midpoint import Midpoint
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField
from storage.errors import InvalidPairsError
from storage.plugins import configure
from storage.records import PairSchema

PLUGIN = GaussianTeacher(mean=(0.5, -1.0), std=(2.0, 0.7))


class Clusters(Teacher):
    """Narrow clusters over noise levels: D, the mean of the data given x, in closed form."""

    t_noise = noise_scale = 80.0
    centres = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.0, -1.0], [0.3, 0.9]], dtype=torch.float64)
    variance = 0.05**2

    def velocity(self, x, t, label=None):
        wide = self.variance + t**2
        away = x.double()[:, None] - self.centres
        shares = (-away.square().sum(-1) / (2 * wide)).softmax(1)
        slopes = t / wide * away  # of each cluster alone
        return (shares[..., None] * slopes).sum(1).to(x)


def probe() -> Probe:
    spec = PairSpec(
        teacher=TeacherIdentity(plugin=PLUGIN, weights="0" * 64),
        sampler=Midpoint(),
        pairs=PairSchema(shape=(2,)),
    )
    return Probe(spec, PLUGIN.build((2,)), torch.device("cpu"))


def noise(num_points: int) -> Tensor:
    return 80 * torch.randn(num_points, 2, generator=torch.Generator().manual_seed(3))


def error(sampler: FixedSteps, exact: Tensor) -> float:
    x_0 = sampler.sample(Clusters(), noise(len(exact))).x_0
    return float((x_0 - exact).square().mean().sqrt())


def test_eighteen_evaluations_are_as_close_as_heuns_thirty_five():
    exact = EdmHeun(num_steps=400).sample(Clusters(), noise(256)).x_0
    heun = error(EdmHeun(num_steps=18), exact)
    for name in ("dpm-3m", "unipc-2", "unipc-3"):
        sampler = configure("pairgen.samplers", {"plugin": name, "num_steps": 18})
        assert sampler.nfe == 18
        assert error(sampler, exact) <= heun


def test_the_reference_is_as_good_as_exact_and_errors_are_distances_from_it():
    comparison = Comparison(probe(), 50, at_once=20)
    assert comparison.reference_error < 1e-6
    x_T, _ = probe().drawn(50)
    wanted = Midpoint(num_steps=5).sample(PLUGIN.build((2,)), x_T).x_0
    exact = PLUGIN.build((2,)).solution(x_T)
    found = comparison.measured(Midpoint(num_steps=5))
    assert found.error == pytest.approx(float((wanted - exact).square().mean().sqrt()), rel=1e-3)
    assert found.typical == pytest.approx(
        float((wanted - exact).square().mean(1).sqrt().quantile(0.5)), rel=0.01
    )
    assert found.evaluations == 10
    assert found.estimate is not None
    assert found.estimate > found.error
    assert comparison.measured(reference_sampler(probe().teacher)).error == 0


class Broken(GaussianField):
    """NaN in the middle of the path."""

    def velocity(self, x, t, label=None):
        return super().velocity(x, t, label) * (math.nan if t == 0.5 else 1)


def test_a_sampler_that_diverges_has_a_number_and_a_reference_that_does_is_refused():
    field = PLUGIN.build((2,))
    with pytest.raises(InvalidPairsError, match="aren't finite in 200 evaluations"):
        Comparison(replace(probe(), teacher=Broken(field.mean, field.std)), 3, at_once=3)
    comparison = Comparison(probe(), 3, at_once=3)
    comparison._field = Broken(field.mean, field.std)
    assert comparison.measured(Midpoint(num_steps=1)).error == sys.float_info.max


def test_candidates_are_those_for_the_teacher_with_the_most_steps_that_fit():
    path, levels = (
        candidates(PLUGIN.build((2,)), Midpoint(num_steps=10)),
        candidates(Clusters(), None),
    )
    assert {"heun", "rk4", "abm-3", "unipc-3"} <= {each.plugin for each in path}
    assert not {"edm-heun", "edm-grid-heun", "dopri5"} & {each.plugin for each in path}
    assert Midpoint(num_steps=10) in path
    assert {"edm-heun", "dpm-2m"} <= {each.plugin for each in levels}
    assert not {"heun", "euler"} & {each.plugin for each in levels}
    heuns = [each.nfe for each in levels if each.plugin == "edm-heun"]
    assert heuns == [5, 7, 9, 11, 15, 17, 25, 35]
    assert [each.nfe for each in levels if each.plugin == "unipc-2"] == [*EVALUATIONS]
    assert np.all(np.diff([each.nfe for each in path if each.plugin == "rk4"]) > 0)


class FewLevels(Clusters):
    """Knows eleven levels alone."""

    t_lowest = 80 * 1.5**-10

    def rounded(self, t):
        return 80 * 1.5 ** -round(min(10, -math.log(t / 80, 1.5)))


def test_steps_that_fall_onto_one_of_the_teachers_levels_are_left_out():
    found = {each.nfe for each in candidates(FewLevels(), None) if each.plugin == "dpm-2m"}
    assert found == {5, 7, 9, 11}


def test_the_references_own_error_is_told_from_half_its_steps(monkeypatch: pytest.MonkeyPatch):
    coarse = Midpoint(num_steps=40)
    monkeypatch.setattr(sampler_errors, "reference_sampler", lambda teacher: coarse)
    x_T, _ = probe().drawn(50)
    field = Skewed(*probe().teacher.buffers())
    off = coarse.sample(field, x_T).x_0 - field.solution(x_T)
    found = Comparison(replace(probe(), teacher=field), 50, at_once=50).reference_error
    assert found == pytest.approx(float(off.square().mean().sqrt()), rel=0.1)


class Skewed(GaussianField):
    """In a time u with t = u (1 + u) / 2: in t itself midpoint happens to be of order 3."""

    def velocity(self, x, t, label=None):
        return (0.5 + t).to(x) * super().velocity(x, t * (1 + t) / 2, label)
