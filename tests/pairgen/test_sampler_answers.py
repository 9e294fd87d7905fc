"""A sampler that does not pass what it says it does is named, before any pair is stored."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from pairgen.samplers.euler import Euler
from pairgen.samplers.fixed_steps import FixedSteps, even_steps
from pairgen.samplers.heun import Heun
from pairgen.samplers.sampler import velocity
from pairgen.teachers.gaussian import GaussianTeacher
from storage.errors import InvalidPairsError


def sampler(passes: Callable[[list[Tensor]], Any]) -> FixedSteps:
    """Euler in four steps, of which the states that it passes are changed."""

    def steps(self, teacher, x_T, label):
        return passes([*Euler.steps(self, teacher, x_T, label)])

    return type("Mine", (Euler,), {"plugin": "mine", "steps": steps})(num_steps=4)


FAULTS = {
    "too few": (lambda states: states[:3], "must yield .* its 4 steps, but it ends after 3"),
    "none": (lambda states: [], "but it ends after 0"),
    "too many": (lambda states: states + states[-1:], "but it goes on after them"),
    "nothing": (lambda states: None, "but it returned NoneType"),
    "no tensor": (lambda states: [*states[:3], 5], "passed is int, but x is torch.float32"),
    "another type": (lambda states: [*states[:3], states[3].double()], "passed is torch.float64"),
    "fewer samples": (
        lambda states: [*states[:3], states[3][:2]],
        r"passed is .* \[2, 2\], but x is",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("keep_states", [0, 3])
def test_what_are_not_its_steps_is_refused_by_the_samplers_name(
    fault: str, keep_states: int
) -> None:
    passes, sentence = FAULTS[fault]
    teacher = GaussianTeacher(mean=(0.5, -1.0), std=(2.0, 0.7)).build((2,))
    with pytest.raises(InvalidPairsError, match=f"`steps` of sampler 'mine' .*{sentence}"):
        sampler(passes).sample(teacher, torch.randn(5, 2), keep_states=keep_states)


class WrittenOut(FixedSteps):
    """Heun's method as a plugin may write it that yields its steps itself."""

    plugin = "written-out"
    order = 2
    num_steps: int = 4

    @property
    def nfe(self):
        return 2 * self.num_steps

    def steps(self, teacher, x_T, label):
        x = x_T
        for t, t_next in even_steps(teacher, self.num_steps):
            h, v = t_next - t, velocity(teacher, x, t, label)
            x = x + h / 2 * (v + velocity(teacher, x + h * v, t_next, label))
            yield x


def test_steps_that_are_written_out_give_the_bytes_of_the_rule_on_its_grid():
    teacher = GaussianTeacher(mean=(0.5, -1.0), std=(2.0, 0.7)).build((2,))
    x_T = torch.randn(5, 2)
    made, wanted = (
        sampler.sample(teacher, x_T, keep_states=2) for sampler in (WrittenOut(), Heun(num_steps=4))
    )
    assert torch.equal(made.x_0, wanted.x_0)
    assert torch.equal(made.states, wanted.states)
    assert made.nfe == wanted.nfe == 8
