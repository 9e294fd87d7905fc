"""Flow matching on EDM's noise levels: the published grid, and what it is not for."""

import pytest
import torch

from pairgen.samplers.edm_grid_heun import EdmGridHeun
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField

# Ten steps with ρ = 7 from 80 to 0.002 and to 0, in the time of the literature, where data is 1.
PUBLISHED_GRID = [
    *(0.01234568, 0.02303341, 0.04523111, 0.09325573, 0.19738958, 0.39972148),
    *(0.6802818, 0.89554493, 0.97997391, 0.99800399, 1.0),
]


class Asked(GaussianField):
    """The times at which it was asked."""

    def velocity(self, x, t, label=None):
        self.times = [*getattr(self, "times", []), float(t)]
        return super().velocity(x, t, label)


def asked() -> Asked:
    field = GaussianTeacher().build((2,))
    return Asked(field.mean, field.std)


def test_the_grid_is_the_published_one_in_our_time():
    field = asked()
    EdmGridHeun(num_steps=10).sample(field, torch.zeros(1, 2))
    assert [1 - t for t in field.times[::2]] == pytest.approx(PUBLISHED_GRID[:-1], abs=1e-8)
    assert field.times[1::2] == [*field.times[2::2], 0.0]


def test_its_noise_lies_short_of_the_whole_way_as_published():
    assert EdmGridHeun().begins_at(asked()) == pytest.approx(80 / 81)


def test_one_step_goes_all_the_way():
    field = asked()
    EdmGridHeun(num_steps=1).sample(field, torch.zeros(1, 2))
    assert field.times == [pytest.approx(80 / 81), 0.0]


def test_a_teacher_of_noise_levels_is_refused():
    with pytest.raises(ValueError, match=r"noise is at time 1; .* at 80\.0: choose 'edm-heun'"):
        EdmGridHeun().sample(EdmTeacher().build((2,)), torch.zeros(1, 2))


def test_a_grid_that_would_not_fall_is_refused():
    with pytest.raises(ValueError, match=r"sigma_min of 'edm-grid-heun' is 90\.0, sigma_max 80\.0"):
        EdmGridHeun(sigma_min=90).sample(asked(), torch.zeros(1, 2))
