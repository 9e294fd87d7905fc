"""Distances between batches, and the penalties of App. C."""

import math

import torch
from test_operators import block, factorised

from kdm.losses.distances import L2, Huber
from kdm.losses.spectral import SpectralOptions, SpectralPenalties, inverse_loss, spectral_loss
from kdm.operators import FactorisedOperator, Factors


def test_l2_is_the_mean_square() -> None:
    assert L2().distance(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])) == 2.5


def test_huber_is_square_near_zero_and_straight_far_from_it() -> None:
    huber, zero = Huber(c=0.1), torch.zeros(1, 1)
    near, far = huber.distance(zero + 1e-3, zero), huber.distance(zero + 10, zero)
    assert math.isclose(near.item(), 1e-6 / 0.2, rel_tol=1e-3)
    assert math.isclose(far.item(), 10 - 0.1, rel_tol=1e-3)


def test_the_inverse_loss_is_the_published_mean_over_blocks() -> None:
    factors = factorised().factors()
    P, P_inv = block(factors.P), block(factors.P_inv)
    identity = torch.eye(24, dtype=torch.float64)
    published = (P_inv @ P - identity).square().mean() + (P @ P_inv - identity).square().mean()
    assert torch.allclose(inverse_loss(factors), published, rtol=1e-12)


def test_the_inverse_loss_is_zero_for_an_inverse() -> None:
    P = torch.randn(6, 6, dtype=torch.complex128)
    parts = [torch.stack([each.real, each.imag]) for each in (P, torch.linalg.inv(P))]
    assert inverse_loss(Factors(*parts, torch.zeros(2, 6).double())) < 1e-20


def test_the_spectral_loss_is_the_mean_distance_to_the_targets() -> None:
    factors = factorised().factors()
    targets = factors.eigenvalues + torch.tensor([[3.0], [4.0]])
    assert torch.allclose(spectral_loss(factors, targets), torch.tensor(5.0).double())


def test_an_eigenvalue_at_its_target_has_a_finite_gradient() -> None:
    operator = FactorisedOperator(4)
    spectral_loss(operator.factors(), operator.factors().eigenvalues.detach()).backward()
    assert operator.nu.grad is not None
    assert operator.nu.grad.isfinite().all()


def test_mended_targets_lie_in_the_disc_and_published_ones_in_the_square() -> None:
    torch.manual_seed(0)
    disc, square = (
        SpectralPenalties(20_000, SpectralOptions(targets=kind)).targets.norm(dim=0)
        for kind in ("uniform-disc", "published-square")
    )
    assert disc.max() <= 1
    assert math.isclose((disc < 0.5).float().mean(), 0.25, abs_tol=0.01)
    assert math.isclose((square > 1).float().mean(), 1 - math.pi / 4, abs_tol=0.01)


def test_a_penalty_of_weight_zero_is_not_computed() -> None:
    operator = FactorisedOperator(4)
    assert SpectralPenalties(4, SpectralOptions(spectral=0))(operator).keys() == {"inverse"}
    assert SpectralPenalties(4, SpectralOptions(inverse=0))(operator).keys() == {"spectral"}
