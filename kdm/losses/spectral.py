"""Penalties on an operator C: on its eigenvalues λ, and on how well P_inv inverts P (App. C).

    spectral = mean_i |λ_i − c_i|          inverse = MSE(P_inv P, I) + MSE(P P_inv, I)

The targets c_i are complex numbers that are drawn once. App. C factorises C = P Λ P_inv so that such
penalties need no eigendecomposition a step; a dense C (KDM) needs one (the published code's "EL").

Three of the published targets can't be met. Each has a corrected version beside it: `uniform-disc` for a
square whose corners |λ| < 1 can't reach, `conjugate-disc` for a quadrant that a real matrix, whose
eigenvalues come in conjugate pairs, can't reach (and whose order follows LAPACK's, which jumps), and
`circle` for "OnTheCircle", which pulls to the point 1.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from kdm.losses.spectral_options import DenseSpectralOptions, SpectralOptions
from kdm.operators import FactorisedOperator, Factors, KoopmanOperator
from kdm.shapes import ComplexMatrix, ComplexVector, Scalar

# Keeps the gradient of |λ − c| finite when an eigenvalue has reached its target.
SQUARE_EPSILON = 1e-12


class SpectralPenalties(nn.Module):
    """The penalties of one operator of size d = `latent_dim`.

    Its targets are drawn from torch's global generator and kept as a buffer (2, d), so that a student
    that is loaded again has the same ones. (In the published code a reload draws others.)
    """

    targets: Tensor | None  # one for each eigenvalue: (Re, Im) by d

    def __init__(self, latent_dim: int, options: SpectralOptions | DenseSpectralOptions) -> None:
        super().__init__()
        self.options = options
        draw = _DRAWN.get(options.targets)
        self.register_buffer("targets", draw(latent_dim) if draw else None)

    @property
    def weights(self) -> dict[str, float]:
        """The terms' weights by name, 0 for a term that is off."""
        return {"spectral": self.options.spectral, "inverse": self._inverse}

    @property
    def _inverse(self) -> float:
        return self.options.inverse if isinstance(self.options, SpectralOptions) else 0.0

    def forward(self, operator: KoopmanOperator) -> dict[str, Scalar]:
        """The unweighted penalties by name, without those of weight 0.

        `inverse` is for a factorised operator only: a dense one doesn't have P.
        """
        terms: dict[str, Scalar] = {}
        if isinstance(operator, FactorisedOperator):
            factors = operator.factors()
            eigenvalues = factors.eigenvalues
        else:
            factors, eigenvalues = None, _eigenvalues(operator)
        if self.options.spectral:
            terms["spectral"] = spectral_loss(eigenvalues, self._targets_of(eigenvalues))
        if self._inverse and factors is not None:
            terms["inverse"] = inverse_loss(factors)
        return terms

    @torch.no_grad()
    def _targets_of(self, eigenvalues: ComplexVector) -> ComplexVector:
        if self.options.targets == "circle":
            modulus: Tensor = torch.linalg.vector_norm(eigenvalues, dim=0)
            return eigenvalues / modulus.clamp(min=SQUARE_EPSILON)
        if self.targets is None:
            return torch.stack([torch.ones_like(eigenvalues[0]), torch.zeros_like(eigenvalues[1])])
        if self.options.targets == "conjugate-disc":
            return self.targets[:, _assigned(eigenvalues, self.targets)]
        return self.targets


def spectral_loss(eigenvalues: ComplexVector, targets: ComplexVector) -> Scalar:
    """mean_i |λ_i − c_i| of eigenvalues and targets (2, d), the i-th with the i-th; finite gradients."""
    square = (eigenvalues - targets).square().sum(dim=0)
    return torch.sqrt(square + SQUARE_EPSILON).mean()


def inverse_loss(factors: Factors) -> Scalar:
    """MSE(P_inv P, I) + MSE(P P_inv, I), each the mean over the (2d)² entries of App. C's real blocks.

    The block matrix [[re, −im], [im, re]] holds each part twice, so that its mean is the mean over
    both parts: no (2d, 2d) matrix is formed.
    """
    P, P_inv = _with_sum(factors.P), _with_sum(factors.P_inv)
    products = torch.cat([P_inv, P]) @ torch.cat([P, P_inv])
    re_re, im_im, crossed = products.reshape(2, 3, *P.shape[1:]).unbind(1)
    identity = torch.eye(P.shape[-1], dtype=P.dtype, device=P.device)
    error = torch.stack([re_re - im_im - identity, crossed - re_re - im_im])
    # The mean over both products is half the sum of their means.
    return 2 * error.square().mean()


def _with_sum(parts: ComplexMatrix) -> Tensor:
    # Gauss: a complex product takes three real ones, of the real parts, of the imaginary parts and
    # of the sums of both.
    return torch.cat([parts, parts.sum(dim=0, keepdim=True)])


def _eigenvalues(operator: KoopmanOperator) -> ComplexVector:
    """λ (2, d) of a dense C, with gradients, in LAPACK's order."""
    eigenvalues: Tensor = torch.linalg.eigvals(operator.matrix())
    return torch.stack([eigenvalues.real, eigenvalues.imag])


def _assigned(eigenvalues: ComplexVector, targets: ComplexVector) -> Tensor:
    """For each eigenvalue the number (d,) of its target, so that the mean distance is least.

    An assignment problem, solved exactly, so that an eigenvalue keeps its target when LAPACK's order
    changes.
    """
    if eigenvalues.is_meta:  # shapes without numbers
        return torch.empty(eigenvalues.shape[1], dtype=torch.int64, device=targets.device)
    from scipy.optimize import linear_sum_assignment  # takes a third of a second

    distances = torch.cdist(eigenvalues.T, targets.T)
    _, columns = linear_sum_assignment(distances.double().cpu().numpy())
    return torch.from_numpy(columns).to(targets.device)


def _uniform_disc(d: int) -> ComplexVector:
    """Uniform over |c| < 1: the radius is the root of a uniform number."""
    return _polar(torch.rand(d).sqrt(), 2 * math.pi * torch.rand(d))


def _gradual(d: int) -> ComplexVector:
    """Half of them with |c| of 0.9 … 1, half below 0.5: the published "GradualUniform"."""
    near, inside = 0.9 + 0.1 * torch.rand(d // 2), 0.5 * torch.rand(d - d // 2)
    return _polar(torch.cat([near, inside]), 2 * math.pi * torch.rand(d))


def _conjugate_disc(d: int) -> ComplexVector:
    """Conjugate pairs, uniform over |c| < 1, and one real target if d is odd."""
    upper = _polar(torch.rand(d // 2).sqrt(), math.pi * torch.rand(d // 2))
    real = torch.stack([2 * torch.rand(d % 2) - 1, torch.zeros(d % 2)])
    return torch.cat([upper, upper * torch.tensor([[1.0], [-1.0]]), real], dim=1)


def _square(d: int) -> ComplexVector:
    return 2 * torch.rand(2, d) - 1


def _quadrant(d: int) -> ComplexVector:
    return torch.rand(2, d)


def _polar(radius: Tensor, angle: Tensor) -> ComplexVector:
    return radius * torch.stack([torch.cos(angle), torch.sin(angle)])


_DRAWN: dict[str, Callable[[int], ComplexVector]] = {
    "uniform-disc": _uniform_disc,
    "gradual": _gradual,
    "conjugate-disc": _conjugate_disc,
    "published-square": _square,
    "published-quadrant": _quadrant,
}
