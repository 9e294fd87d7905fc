"""Dense and factorised operators: the maps of Eq. 3 and App. C."""

import pytest
import torch
from torch import Tensor

from kdm.operators import DenseOperator, FactorisedOperator


def block(parts: Tensor) -> Tensor:
    """[[re, −im], [im, re]], the published real form of a complex matrix."""
    re, im = parts
    return torch.cat([torch.cat([re, -im], 1), torch.cat([im, re], 1)])


def factorised(d: int = 12) -> FactorisedOperator:
    torch.manual_seed(0)
    return FactorisedOperator(d).double()


def test_the_dense_operator_is_affine_only_where_it_says_so() -> None:
    zero = torch.zeros(3, 8)
    assert DenseOperator(8, bias=True)(zero).abs().sum() > 0
    assert DenseOperator(8, bias=False)(zero).abs().sum() == 0


def test_the_dense_operator_acts_as_its_matrix() -> None:
    operator, z = DenseOperator(8, bias=False), torch.randn(5, 8)
    assert torch.allclose(operator(z), (operator.matrix() @ z.T).T, atol=1e-6)


@pytest.mark.parametrize("num_samples", [1, 5, 7, 8, 9, 50])
def test_the_factorised_operator_equals_the_published_block_form(num_samples: int) -> None:
    operator, z = factorised(), torch.randn(num_samples, 12, dtype=torch.float64)
    P, P_inv, eigenvalues = operator.factors()
    padded = torch.cat([z, torch.zeros_like(z)], 1)
    pushed = block(P) @ block(torch.diag_embed(eigenvalues)) @ block(P_inv) @ padded.T
    assert torch.allclose(operator(z), pushed[:12].T, atol=1e-12)


def test_both_orders_of_products_give_the_same_map_and_gradients() -> None:
    operator, z = factorised(), torch.randn(30, 12, dtype=torch.float64)
    folded = torch.autograd.grad(operator(z).square().sum(), list(operator.parameters()))
    one_by_one = sum(operator(row[None]).square().sum() for row in z)
    apart = torch.autograd.grad(one_by_one, list(operator.parameters()))
    assert all(torch.allclose(*pair, rtol=1e-9) for pair in zip(folded, apart, strict=True))


def test_eigenvalues_are_those_of_the_matrix_that_acts() -> None:
    for operator in (DenseOperator(8), factorised(8).float()):
        with torch.no_grad():
            trace, eigenvalues = operator.matrix().trace(), operator.eigenvalues()
        assert torch.allclose(eigenvalues.sum().real, trace, atol=1e-4)
        assert eigenvalues.shape == (8,)


def test_initial_eigenvalues_are_spread_over_the_unit_disc() -> None:
    torch.manual_seed(1)
    modulus = FactorisedOperator(500).factors().eigenvalues.norm(dim=0)
    # Of a uniform disc: the quantiles of sqrt(u).
    quantiles = torch.quantile(modulus, torch.tensor([0.1, 0.5, 0.9]))
    assert torch.allclose(quantiles, torch.tensor([0.316, 0.707, 0.949]), atol=0.06)


def test_rows_of_either_part_of_P_have_length_one_whatever_its_parameters() -> None:
    operator = factorised()
    with torch.no_grad():
        operator.P.mul_(3.7)
    assert torch.allclose(operator.factors().P.norm(dim=2), torch.ones(2, 12).double(), atol=1e-6)


def test_a_phase_may_be_learned_by_its_logarithm() -> None:
    angle, logarithm = FactorisedOperator(6), FactorisedOperator(6, phase="logarithm")
    state = angle.state_dict()
    theta = state.pop("theta")
    logarithm.load_state_dict({**state, "theta_log": theta.log()})
    z = torch.randn(5, 6)
    assert torch.allclose(angle(z), logarithm(z), atol=1e-5)
