"""The Koopman operator C_η: from the code of noise z_T to the code of data z_0 (Eq. 3, App. C).

    z_0^ = C_η z_T (+ b),   x_0 ≈ D_ψ(C_η E_φ(x_T))

Koopman theory (Koopman 1931; Sec. 3) lifts a nonlinear map Φ_T to observables ξ in which it acts
linearly: ξ(Φ_T(x_T)) = C ξ(x_T). Theorem 5.1: for an analytic Φ a finite d reaches any accuracy. The
encoders learn the observables, and C_η (d, d) the dynamics between them, in one step from T to 0.

`DenseOperator` (KDM) learns C itself, `FactorisedOperator` (KDM-F) its eigenvalues and eigenvectors,
which a penalty can then reach without an eigendecomposition (kdm/losses/spectral.py).
"""

import math
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.phase import Phase
from kdm.shapes import ComplexMatrix, ComplexVector, Eigenvalues, Latents, Matrix, Vector

# Added to a row's length before dividing by it, as in the published code.
LENGTH_EPSILON = 1e-8


class KoopmanOperator(nn.Module, ABC):
    """A linear, or affine, map of R^d: `forward(z) = matrix() z + bias()` for every row z."""

    # Whether `matrix()` always is a normal matrix, of which the eigenvalues tell everything.
    is_normal: ClassVar[bool] = False

    @abstractmethod
    def forward(self, z_T: Latents) -> Latents:
        """z_0^ = C z_T (+ b), rows (n, d) to rows (n, d)."""

    @abstractmethod
    def matrix(self) -> Matrix:
        """C, real (d, d), acting on columns; the bias isn't part of it."""

    def bias(self) -> Vector | None:
        """b (d,), which is added to C z_T; None if the operator is linear."""
        return None

    @abstractmethod
    def begin_as_identity(self) -> None:
        """Change the initial weights so that C z is z, or as near to it as this kind can be."""

    def eigenvalues(self) -> Eigenvalues:
        """The spectrum of `matrix()`, complex (d,), in no particular order and without gradients."""
        with torch.no_grad():
            spectrum: Tensor = torch.linalg.eigvals(self.matrix())
        return spectrum

    def told(self) -> Tensor:
        """What there is to know of it: C (d, d), or of a normal C the eigenvalues (d,), without gradients.

        A normal C may have too many numbers to be written out.
        """
        return self.eigenvalues() if self.is_normal else self.matrix().detach()


class DenseOperator(KoopmanOperator):
    """KDM's operator: a learned matrix C (d, d), initialised as PyTorch's `nn.Linear`.

    The paper calls it linear. The published one has a bias, so that it is affine; so is this one unless
    `bias` is False.
    """

    def __init__(self, latent_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(latent_dim, latent_dim, bias=bias)

    def forward(self, z_T: Latents) -> Latents:
        """C z_T + b, rows (n, d)."""
        pushed: Tensor = self.linear(z_T)
        return pushed

    @torch.no_grad()
    def begin_as_identity(self) -> None:
        """C = 1, b = 0."""
        nn.init.eye_(self.linear.weight)
        if self.linear.bias is not None:
            nn.init.zeros_(self.linear.bias)

    def matrix(self) -> Matrix:
        """C (d, d), the parameter itself."""
        return self.linear.weight

    def bias(self) -> Vector | None:
        """b (d,), the parameter itself; None without one."""
        return self.linear.bias


class Factors(NamedTuple):
    """P, P_inv (2, d, d) and λ (2, d) as they act; the first axis is (real part, imaginary part)."""

    P: ComplexMatrix  # rows of length 1, in the real and in the imaginary part
    P_inv: ComplexMatrix
    eigenvalues: ComplexVector


class FactorisedOperator(KoopmanOperator):
    """KDM-F's operator: z_0^ = Re(P Λ P_inv z_T) with λ_j = exp(−exp ν_j) e^{iθ_j} (App. C), no bias.

    |λ_j| = exp(−exp ν_j) < 1 for every ν_j: no direction grows on its way from noise to data. If
    the paper and the published code differ, this follows the code:

    - The order P Λ P_inv is that of the main text; the formula at the end of App. C has P and P_inv
      swapped.
    - App. C calls P's parts orthonormal. They start so, and afterwards their rows are brought to length 1.
    - App. C works with real (2d, 2d) blocks on [z; 0] and keeps the first d numbers. That is the real
      part of the complex product, computed here without the blocks.
    - The phase is θ_j in the paper and exp of the parameter in the code: `phase` chooses.

    P_inv is learned and only encouraged to be an inverse, so the spectrum of `matrix()`, which also is
    the real part of a complex matrix, isn't λ.
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
        self._cancels = False  # whether products are small sums of large terms, as of an inverse

    def forward(self, z_T: Latents) -> Latents:
        """Re(P Λ P_inv z_T), rows (n, d), in the order of products that multiplies less."""
        with self._precise(z_T):
            return self._pushed(z_T.to(self.P.dtype) if self._cancels else z_T)

    def _pushed(self, z_T: Latents) -> Latents:
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
        """C = Re(P Λ P_inv), (d, d)."""
        P, P_inv, eigenvalues = self.factors()
        # diag(λ) scales the columns of P.
        scaled_re = P[0] * eigenvalues[0] - P[1] * eigenvalues[1]
        scaled_im = P[0] * eigenvalues[1] + P[1] * eigenvalues[0]
        with self._precise(P_inv):
            return scaled_re @ P_inv[0] - scaled_im @ P_inv[1]

    @torch.no_grad()
    def begin_as_identity(self) -> None:
        """P_inv = (P Λ)^-1 for P and Λ as they were drawn: C = 1, with random eigenvalues in the disc.

        Some of P_inv's numbers are in the hundreds, so that from now on products aren't rounded to bfloat16.
        """
        P, _, eigenvalues = (torch.complex(*each) for each in self.factors())
        inverse = torch.linalg.inv(P * eigenvalues)
        self.P_inv.copy_(torch.stack([inverse.real, inverse.imag]))
        self._cancels = True

    def factors(self) -> Factors:
        """The factors as they act: P with its rows normalised, λ from its modulus and its phase."""
        length: Tensor = torch.linalg.vector_norm(self.P, dim=2, keepdim=True)
        modulus = torch.exp(-torch.exp(self.nu))
        angle = self._angle()
        phase = torch.stack([torch.cos(angle), torch.sin(angle)])
        return Factors(self.P / (length + LENGTH_EPSILON), self.P_inv, modulus * phase)

    def _precise(self, x: Tensor) -> AbstractContextManager[object]:
        """Also under autocast products in the parameters' type, if bfloat16 would leave only rounding."""
        if not self._cancels or x.is_meta:
            return nullcontext()
        return torch.autocast(x.device.type, enabled=False)

    def _angle(self) -> Tensor:
        return self.theta if self._phase == "angle" else torch.exp(self.theta_log)


def _orthonormal(d: int) -> Tensor:
    """A random orthonormal (d, d): the Q of a Gaussian matrix."""
    orthonormal: Tensor = torch.linalg.qr(torch.randn(d, d)).Q
    return orthonormal
