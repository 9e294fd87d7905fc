"""Distances between batches, and the penalties of App. C."""

import math

import torch
from test_operators import block, factorised

from kdm.losses.distances import L2, Huber
from kdm.losses.spectral import SpectralPenalties, inverse_loss, spectral_loss
from kdm.losses.spectral_options import DenseSpectralOptions, SpectralOptions
from kdm.operators import DenseOperator, FactorisedOperator, Factors


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
    assert torch.allclose(spectral_loss(factors.eigenvalues, targets), torch.tensor(5.0).double())


def test_an_eigenvalue_at_its_target_has_a_finite_gradient() -> None:
    operator = FactorisedOperator(4)
    spectral_loss(
        operator.factors().eigenvalues, operator.factors().eigenvalues.detach()
    ).backward()
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


def test_gradual_targets_lie_near_the_circle_or_well_inside() -> None:
    torch.manual_seed(0)
    targets = SpectralPenalties(1001, SpectralOptions(targets="gradual")).targets
    assert targets is not None
    radius = targets.norm(dim=0)
    assert (radius > 0.9).sum() == 500
    assert (radius < 0.5).sum() == 501
    assert radius.max() <= 1


def rotation(angle: float, scale: float) -> DenseOperator:
    operator = DenseOperator(2, bias=False)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    operator.linear.weight.data = torch.tensor([[cos, -sin], [sin, cos]])
    return operator


def test_the_circle_is_all_of_it_and_the_published_one_is_the_point_one() -> None:
    """Eigenvalues 0.8 e^{±iα} are 0.2 from the circle and |0.8 e^{iα} − 1| from 1."""
    operator = rotation(1.0, 0.8)
    circle = SpectralPenalties(2, DenseSpectralOptions(targets="circle"))(operator)
    point = SpectralPenalties(2, DenseSpectralOptions(targets="published-point"))(operator)
    assert math.isclose(circle["spectral"].item(), 0.2, abs_tol=1e-6)
    away = math.hypot(0.8 * math.cos(1.0) - 1, 0.8 * math.sin(1.0))
    assert math.isclose(point["spectral"].item(), away, abs_tol=1e-6)


def test_a_dense_operator_reaches_mended_targets_wherever_its_eigenvalues_stand() -> None:
    penalties = SpectralPenalties(4, DenseSpectralOptions())
    penalties.targets = torch.tensor([[0.5, -0.2, 0.5, -0.2], [0.3, 0.6, -0.3, -0.6]])
    operator = DenseOperator(4, bias=False)
    blocks = [rotation(math.atan2(0.6, -0.2), math.hypot(0.2, 0.6)), rotation(0, 1)]
    blocks[1].linear.weight.data = torch.tensor([[0.5, 0.3], [-0.3, 0.5]])
    operator.linear.weight.data = torch.block_diag(*(each.linear.weight.data for each in blocks))
    assert penalties(operator)["spectral"] < 1e-5


def test_targets_of_a_dense_operator_come_in_conjugate_pairs() -> None:
    targets = SpectralPenalties(7, DenseSpectralOptions()).targets
    assert targets is not None
    assert torch.equal(targets[1, :3], -targets[1, 3:6])
    assert targets[1, 6] == 0
    assert targets.norm(dim=0).max() <= 1


def test_the_pull_on_a_dense_operator_reaches_its_matrix() -> None:
    operator = DenseOperator(6)
    SpectralPenalties(6, DenseSpectralOptions())(operator)["spectral"].backward()
    assert operator.linear.weight.grad is not None
    assert operator.linear.weight.grad.abs().sum() > 0
