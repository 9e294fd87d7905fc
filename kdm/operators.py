"""The Koopman operator C_η: from the code of noise z_T to the code of data z_0 (Eq. 3, App. C)."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.phase import Phase
from kdm.shapes import ComplexMatrix, ComplexVector, Eigenvalues, Latents, Matrix, Vector

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

    def bias(self) -> Vector | None:
        """What is added to C z_T; None where the operator is linear."""
        return None

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

    def bias(self) -> Vector | None:
        """b; None where it has none."""
        return self.linear.bias


class Factors(NamedTuple):
    """P, P_inv and λ as they act; the first axis is (real part, imaginary part)."""

    P: ComplexMatrix  # rows of length 1, of either part
    P_inv: ComplexMatrix
    eigenvalues: ComplexVector


class FactorisedOperator(KoopmanOperator):
    """z_0^ = Re(P Λ P_inv z_T) with λ_j = exp(−exp ν_j) e^{iθ_j} (App. C), no bias.

    The order of the factors follows the main text and the published code; the formula at the end of
    App. C has P and P_inv swapped. P_inv is learned and only encouraged to be an inverse, so the
    spectrum of `matrix()` is not λ: `matrix()` is also the real part of a complex matrix.
    """

    def __init__(self, latent_dim: int, *, phase: Phase = "angle") -> None:
        super().__init__()
        d, scale = latent_dim, 1 / math.sqrt(2 * latent_dim)
        self.P = nn.Parameter(scale * torch.stack([_orthonormal(d), _orthonormal(d)]))
        self.P_inv = nn.Parameter(scale * torch.randn(2, d, d))
        # |λ| = sqrt(u): uniform over the unit disc.
        self.nu = nn.Parameter(torch.log(-torch.log(torch.rand(d)) / 2))
        if phase == "angle":
            self.theta = nn.Parameter(2 * math.pi * torch.rand(d))
        else:  # 1 − u is not 0, so that its logarithm is finite
            self.theta_log = nn.Parameter(torch.log(2 * math.pi * (1 - torch.rand(d))))
        self._phase = phase

    def forward(self, z_T: Latents) -> Latents:
        """Re(P Λ P_inv z_T), by whichever order of products has fewer multiplications."""
        num_samples, d = z_T.shape
        # Folding C costs 2 d³ and then d² a sample; factor by factor it is 4 d² a sample.
        if 3 * num_samples > 2 * d:
            return F.linear(z_T, self.matrix())
        P, P_inv, eigenvalues = self.factors()
        u_re, u_im = F.linear(z_T, P_inv[0]), F.linear(z_T, P_inv[1])
        v_re = eigenvalues[0] * u_re - eigenvalues[1] * u_im
        v_im = eigenvalues[0] * u_im + eigenvalues[1] * u_re
        return F.linear(v_re, P[0]) - F.linear(v_im, P[1])

    def matrix(self) -> Matrix:
        """C = Re(P Λ P_inv)."""
        P, P_inv, eigenvalues = self.factors()
        # diag(λ) scales the columns of P.
        scaled_re = P[0] * eigenvalues[0] - P[1] * eigenvalues[1]
        scaled_im = P[0] * eigenvalues[1] + P[1] * eigenvalues[0]
        return scaled_re @ P_inv[0] - scaled_im @ P_inv[1]

    def factors(self) -> Factors:
        """The factors as they act."""
        length: Tensor = torch.linalg.vector_norm(self.P, dim=2, keepdim=True)
        modulus = torch.exp(-torch.exp(self.nu))
        angle = self._angle()
        phase = torch.stack([torch.cos(angle), torch.sin(angle)])
        return Factors(self.P / (length + LENGTH_EPSILON), self.P_inv, modulus * phase)

    def _angle(self) -> Tensor:
        return self.theta if self._phase == "angle" else torch.exp(self.theta_log)


def _orthonormal(d: int) -> Tensor:
    orthonormal: Tensor = torch.linalg.qr(torch.randn(d, d)).Q
    return orthonormal
