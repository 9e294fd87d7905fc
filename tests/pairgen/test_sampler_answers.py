"""A sampler that does not pass what it says it does is named, before any pair is stored."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from pairgen.samplers.euler import Euler
from pairgen.samplers.fixed_steps import FixedSteps
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
