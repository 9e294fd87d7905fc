"""EDM's sampler: the page's grid, its last step, and the published samples."""

import math

import published
import pytest
import torch
from torch import Tensor

from kdm.published.network_golden import SAMPLER_TOLERANCE, Golden, error
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField

# Karras et al. 2022, Eq. 5 with 18 steps from 80 to 0.002 and ρ = 7, as the released code has them.
PUBLISHED_GRID = [
    *(80, 57.585985, 40.785574, 28.374585, 19.352453, 12.910082, 8.400935, 5.315195, 3.256822),
    *(1.92334, 1.088171, 0.585348, 0.296442, 0.139516, 0.059947, 0.022935, 0.007528, 0.002),
]
GOLDENS = ["edm_cifarlike_cond_ve", "edm_ddpmpp_uncond", "edm_ncsnpp_uncond"]


class Asked(EdmField):
    """Data at the origin: D = 0, so the velocity is x / σ; with the levels it was asked for."""

    def __init__(self) -> None:
        super().__init__(torch.nn.Identity())
        self.levels: list[float] = []

    def velocity(self, x, t, label=None):
        self.levels.append(float(t))
        return x / t.to(x)


def gaussian() -> GaussianField:
    return GaussianTeacher(mean=0.5, std=2.0).build((2,))


def noise() -> Tensor:
    return torch.randn(64, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def final_error(sigma_min: float) -> float:
    """With so many steps that all of it is the last one's."""
    x_0 = EdmHeun(num_steps=1000, sigma_min=sigma_min).sample(gaussian(), noise()).x_0
    return float((x_0 - gaussian().solution(noise())).abs().max())


def test_the_grid_is_the_pages_and_begins_at_the_noise_scale_itself():
    field = Asked()
    EdmHeun().sample(field, noise())
    assert field.levels[0] == field.noise_scale
    assert field.levels[::2] == pytest.approx([*PUBLISHED_GRID], abs=1e-6)
    assert field.levels[1::2] == field.levels[2::2]


def test_a_straight_trajectory_is_followed_exactly():
    assert EdmHeun(num_steps=3).sample(Asked(), 80 * noise()).x_0.abs().max() < 1e-12


def test_the_last_step_is_eulers_and_leaves_an_error_that_falls_as_sigma_min_squared():
    assert math.log2(final_error(0.04) / final_error(0.02)) == pytest.approx(2, abs=0.2)


def test_a_grid_that_would_not_fall_is_refused():
    with pytest.raises(ValueError, match=r"sigma_min of 'edm-heun' is 1\.0"):
        EdmHeun(sigma_min=1.0).sample(gaussian(), noise())


@pytest.mark.parametrize("name", GOLDENS)
def test_a_teacher_around_a_published_network_gives_the_published_samples(name: str):
    golden = Golden.read(published.golden(f"edm/{name}"))
    rows = golden.arrays.get("sample_labels")
    label = None if rows is None else rows.argmax(1)
    num_classes = 0 if rows is None else rows.shape[1]
    field = EdmField(golden.network(), num_classes=num_classes)
    made = EdmHeun().sample(field, field.noise_scale * golden.arrays["latents"], label)
    assert error(made.x_0, golden.arrays["heun18"]) <= SAMPLER_TOLERANCE
    assert error(made.x_0.permute(0, 2, 3, 1), golden.arrays["heun18_uint8"]) <= SAMPLER_TOLERANCE
    assert EdmHeun().nfe == len(golden.arrays["heun18_sigmas"])
