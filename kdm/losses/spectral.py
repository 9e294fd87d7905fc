"""Penalties on the factorised operator: its eigenvalues and its inverse (App. C, kdm.md 1.6)."""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from kdm.operators import FactorisedOperator, Factors
from kdm.shapes import ComplexMatrix, ComplexVector, Scalar
from storage.options import Options

# Keeps the gradient of |λ − c| finite where an eigenvalue has reached its target.
SQUARE_EPSILON = 1e-12


class SpectralOptions(Options):
    """Weights of both penalties (0 switches one off) and where the eigenvalues are pulled to.

    Targets are drawn once. `uniform-disc` spreads them evenly over |c| < 1, which |λ| < 1 can
    reach; `published-square` draws Re and Im from U(−1, 1): a fraction 1 − π/4 is out of reach.
    """

    spectral: float = Field(1.0, ge=0)
    inverse: float = Field(1.0, ge=0)
    targets: Literal["uniform-disc", "published-square"] = "uniform-disc"


class SpectralPenalties(nn.Module):
    """Both penalties, with the targets as a buffer, so that a reloaded student keeps them."""

    targets: Tensor  # one for each eigenvalue: (Re, Im) by d

    def __init__(self, latent_dim: int, options: SpectralOptions) -> None:
        super().__init__()
        self.options = options
        draw = _uniform_disc if options.targets == "uniform-disc" else _square
        self.register_buffer("targets", draw(latent_dim))

    @property
    def weights(self) -> dict[str, float]:
        """By the terms' names."""
        return {"spectral": self.options.spectral, "inverse": self.options.inverse}

    def forward(self, operator: FactorisedOperator) -> dict[str, Scalar]:
        """The unweighted penalties by name, without those of weight 0."""
        factors, terms = operator.factors(), {}
        if self.options.spectral:
            terms["spectral"] = spectral_loss(factors, self.targets)
        if self.options.inverse:
            terms["inverse"] = inverse_loss(factors)
        return terms


def spectral_loss(factors: Factors, targets: ComplexVector) -> Scalar:
    """mean |λ_i − c_i|, each eigenvalue with its own target."""
    square = (factors.eigenvalues - targets).square().sum(dim=0)
    return torch.sqrt(square + SQUARE_EPSILON).mean()


def inverse_loss(factors: Factors) -> Scalar:
    """MSE(P_inv P, I) + MSE(P P_inv, I), each the mean over the (2d)² entries of the real blocks.

    The block matrix [[re, −im], [im, re]] holds each part twice, so its mean is the mean over both
    parts: no 2d × 2d matrix is formed.
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


def _uniform_disc(d: int) -> ComplexVector:
    radius, angle = torch.rand(d).sqrt(), 2 * math.pi * torch.rand(d)
    return radius * torch.stack([torch.cos(angle), torch.sin(angle)])


def _square(d: int) -> ComplexVector:
    return 2 * torch.rand(2, d) - 1
