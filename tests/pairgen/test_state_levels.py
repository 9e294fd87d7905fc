"""The levels of stored states, as they follow from a set's spec."""

import pytest
import torch
from torch import Tensor

from kdm.level import Level
from pairgen.field import Teacher
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.euler import Euler
from pairgen.samplers.heun import Heun
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.state_levels import state_levels
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.plugin import TeacherPlugin
from storage.records import NoiseRule, PairSchema


def levels(teacher: TeacherPlugin, sampler: Euler | EdmHeun, num_states: int) -> tuple[Level, ...]:
    noise = NoiseRule(scale=teacher.noise_scale)
    pairs = PairSchema(shape=(2,), noise=noise, num_states=num_states)
    identity = TeacherIdentity(plugin=teacher, weights="0" * 64)
    return state_levels(PairSpec(teacher=identity, sampler=sampler, pairs=pairs))


def test_edms_levels_are_its_noise_levels_after_the_kept_steps() -> None:
    before = torch.get_rng_state()
    found = levels(EdmTeacher(), EdmHeun(num_steps=5, rho=1, sigma_min=20), 2)
    # Noise levels 80, 65, 50, 35, 20, 0: kept are those after steps 1 and 3.
    assert found == (Level(1, 80), Level(1, 65), Level(1, 35))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_straight_path_trades_data_for_noise() -> None:
    found = levels(FlowMatchingTeacher(), Euler(num_steps=8), 3)
    assert found == (Level(0, 1), Level(0.25, 0.75), Level(0.5, 0.5), Level(0.75, 0.25))


def test_states_of_the_exact_flow_are_at_the_levels_told() -> None:
    teacher = GaussianTeacher(mean=0.0, std=2.0)
    x_T = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sampler = Heun(num_steps=40)
    states = sampler.sample(teacher.build((2,)), x_T, keep_states=3).states
    for level, x in zip(levels(teacher, sampler, 3)[1:], states.unbind(1), strict=True):
        deviation = (4 * level.alpha**2 + level.sigma**2) ** 0.5
        assert float(x.std()) == pytest.approx(deviation, rel=0.02)


class Silent(Teacher):
    """A field of which nobody says what x holds at a time."""

    t_noise = noise_scale = 1.0

    def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        """Nothing moves."""
        return torch.zeros_like(x)


def test_a_teacher_that_does_not_say_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="Silent doesn't say how much noise x holds"):
        Silent().level(0.5)
