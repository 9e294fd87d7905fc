"""Published networks as teachers, by the samplers that make pairs: the published samples."""

import published
import pytest
import torch

from kdm.networks.build import build_edm
from kdm.published.golden_samplers import edm_solve
from kdm.published.network_golden import SAMPLER_TOLERANCE, Golden, error, tolerance
from pairgen.samplers.dopri5 import Dopri5
from pairgen.samplers.edm_grid_heun import EdmGridHeun
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.euler import Euler
from pairgen.samplers.midpoint import Midpoint
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.imported_network import ImportedVelocity

KINDS = {"EDMPrecond": (80, 0), "VPPrecond": (80, 0.001), "VEPrecond": (80, 0.02)}
KINDS |= {"iDDPMPrecond": (80.2037, 0.00642)}  # noise scale, lowest level
SMALL = {"img_resolution": 8, "img_channels": 3, "label_dim": 4, "model_channels": 16}
SMALL |= {"channel_mult": [1], "num_blocks": 1, "attn_resolutions": []}
FLOW = {
    "euler10": Euler(num_steps=10),
    "midpoint10": Midpoint(num_steps=10),
    "heun2_edm10": EdmGridHeun(num_steps=10),
    "dopri5_1e-5": Dopri5(),
}


def denoiser(precond: str) -> EdmField:
    """An untrained network with its class's levels; its weights are none of them 0."""
    torch.manual_seed(0)
    net = build_edm(precond, SMALL)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    return EdmField(net.eval().requires_grad_(False), num_classes=4)


@pytest.mark.parametrize("num_steps", [10, 18])
@pytest.mark.parametrize("precond", KINDS)
def test_edm_heun_visits_the_levels_that_the_page_visits(precond, num_steps):
    field, noise, label = denoiser(precond), torch.randn(2, 3, 8, 8), torch.tensor([3, 1])
    made = EdmHeun(num_steps=num_steps).sample(field, field.noise_scale * noise, label).x_0
    published = edm_solve(field.denoiser, noise, torch.eye(4)[label], num_steps=num_steps).end
    assert error(made, published) <= SAMPLER_TOLERANCE


@pytest.mark.parametrize("precond", KINDS)
def test_a_single_step_goes_from_the_highest_level_to_0(precond):
    field, x_T = denoiser(precond), torch.randn(2, 3, 8, 8)
    made = EdmHeun(num_steps=1).sample(field, x_T)
    highest = torch.tensor(field.noise_scale)
    assert torch.allclose(made.x_0, x_T - highest * field.velocity(x_T, highest), atol=1e-4)
    assert made.nfe == 1


@pytest.mark.parametrize(("precond", "levels"), KINDS.items())
def test_a_field_begins_and_ends_at_levels_that_its_network_knows(precond, levels):
    field = denoiser(precond)
    assert (field.noise_scale, field.t_lowest) == pytest.approx(levels, rel=0.03, abs=1e-9)
    assert field.rounded(field.t_noise) == field.noise_scale
    assert field.rounded(field.noise_scale) == field.noise_scale


def test_more_steps_than_a_network_knows_levels_are_refused():
    field = denoiser("iDDPMPrecond")
    with pytest.raises(ValueError, match=r"the 300 steps of 'edm-heun' begin at only \d+ of"):
        EdmHeun(num_steps=300).sample(field, torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("name", FLOW)
def test_a_published_velocity_network_gives_its_published_samples(name: str):
    golden = Golden.read(published.golden("fm/torchcfm_unet"))
    field = ImportedVelocity(golden.network().requires_grad_(False))
    made = FLOW[name].sample(field, golden.arrays["noise"])
    assert error(made.x_0, golden.arrays[name]) <= tolerance(name)
    assert made.nfe == golden.meta["nfe"][name]
