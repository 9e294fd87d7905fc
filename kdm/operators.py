"""The Koopman operator C_η: from the code of noise z_T to the code of data z_0 (Eq. 3, App. C)."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.shapes import Eigenvalues, Latents, Matrix

# Added to a row's length before dividing by it, as in the published code.
LENGTH_EPSILON = 1e-8


class KoopmanOperator(nn.Module, ABC):
    """A linear (or affine) map of R^d."""

    @abstractmethod
    def forward(self, z_T: Latents) -> Latents:
        """z_0^ = C z_T (+ bias)."""

    @abstractmethod
    def matrix(self) -> Matrix:
        """C, real [d, d], acting on columns; a bias is not part of it."""

    def eigenvalues(self) -> Eigenvalues:
        """The spectrum of `matrix()`, in no particular order."""
        with torch.no_grad():
            spectrum: Tensor = torch.linalg.eigvals(self.matrix())
        return spectrum


class DenseOperator(KoopmanOperator):
    """A learned matrix. The published one has a bias, so that it is affine: `bias` says so."""

    def __init__(self, latent_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(latent_dim, latent_dim, bias=bias)

    def forward(self, z_T: Latents) -> Latents:
        """C z_T + b."""
        pushed: Tensor = self.linear(z_T)
        return pushed

    def matrix(self) -> Matrix:
        """C."""
        return self.linear.weight


class Factors(NamedTuple):
    """Real and imaginary parts of P and P_inv [d, d] and of λ [d]; rows of P have length 1."""

    P_re: Tensor
    P_im: Tensor
    P_inv_re: Tensor
    P_inv_im: Tensor
    lambda_re: Tensor
    lambda_im: Tensor


class FactorisedOperator(KoopmanOperator):
    """z_0^ = Re(P Λ P_inv z_T) with λ_j = exp(−exp ν_j) e^{iθ_j} (App. C), no bias.

    The order of the factors follows the main text and the published code; the formula at the end of
    App. C has P and P_inv swapped. P_inv is learned and only encouraged to be an inverse, so the
    spectrum of `matrix()` is λ (with conjugates) only as far as the inverse loss holds.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        d, scale = latent_dim, 1 / math.sqrt(2 * latent_dim)
        self.P_re = nn.Parameter(_orthonormal(d) * scale)
        self.P_im = nn.Parameter(_orthonormal(d) * scale)
        self.P_inv_re = nn.Parameter(torch.randn(d, d) * scale)
        self.P_inv_im = nn.Parameter(torch.randn(d, d) * scale)
        # |λ| = sqrt(u): uniform over the unit disc.
        self.nu = nn.Parameter(torch.log(-torch.log(torch.rand(d)) / 2))
        self.theta = nn.Parameter(2 * math.pi * torch.rand(d))

    def forward(self, z_T: Latents) -> Latents:
        """Re(P Λ P_inv z_T), by whichever order of products has fewer multiplications."""
        num_samples, d = z_T.shape
        # Folding C costs 2 d³ and then d² a sample; factor by factor it is 4 d² a sample.
        if 3 * num_samples > 2 * d:
            return F.linear(z_T, self.matrix())
        f = self.factors()
        u_re, u_im = F.linear(z_T, f.P_inv_re), F.linear(z_T, f.P_inv_im)
        v_re = f.lambda_re * u_re - f.lambda_im * u_im
        v_im = f.lambda_re * u_im + f.lambda_im * u_re
        return F.linear(v_re, f.P_re) - F.linear(v_im, f.P_im)

    def matrix(self) -> Matrix:
        """C = Re(P Λ P_inv)."""
        f = self.factors()
        # diag(λ) scales the columns of P.
        scaled_re = f.P_re * f.lambda_re - f.P_im * f.lambda_im
        scaled_im = f.P_re * f.lambda_im + f.P_im * f.lambda_re
        return scaled_re @ f.P_inv_re - scaled_im @ f.P_inv_im

    def factors(self) -> Factors:
        """The factors as they act."""
        modulus = torch.exp(-torch.exp(self.nu))
        return Factors(
            P_re=_unit_rows(self.P_re),
            P_im=_unit_rows(self.P_im),
            P_inv_re=self.P_inv_re,
            P_inv_im=self.P_inv_im,
            lambda_re=modulus * torch.cos(self.theta),
            lambda_im=modulus * torch.sin(self.theta),
        )


def _orthonormal(d: int) -> Tensor:
    orthonormal: Tensor = torch.linalg.qr(torch.randn(d, d)).Q
    return orthonormal


def _unit_rows(matrix: Matrix) -> Matrix:
    length: Tensor = torch.linalg.vector_norm(matrix, dim=1, keepdim=True)
    return matrix / (length + LENGTH_EPSILON)
