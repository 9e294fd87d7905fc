"""What the operator C does to latents, in numbers (arXiv 2505.13358, Sec. 5 and App. C).

    eigenvalues λ_j of C: |λ| < 1 fades from noise to data, |λ| near 1 is carried over, |λ| > 1 grows
    singular values s_1 ≥ … ≥ s_d: s_1 is ‖C‖, the constant of Theorem 5.2's bound
    effective rank exp(−Σ p_j log p_j), p_j = s_j / Σ s         (Roy & Vetterli 2007)
    departure from normality √(‖C‖_F² − Σ |λ_j|²) / ‖C‖_F        (Henrici 1962)

A normal matrix has departure 0 and its eigenvalues tell everything; near 1 they tell little, and the
singular values do.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.analyze.analysis import Analysis, Drawing, Findings, Found, Subject
from kdm.metrics.metric import Meaning


def spectrum_numbers(C: NDArray[np.inexact]) -> dict[str, float]:
    """The numbers of an operator [d, d], or of a normal one's eigenvalues [d]; a ValueError if it is 0."""
    values, singular = _spectra(C)
    modulus = np.abs(values)
    if not singular[0] > 0:
        raise ValueError("the operator is 0, so it has no spectrum to speak of")
    share = singular[singular > 0] / singular.sum()
    square = float((singular**2).sum())
    return {
        "spectral_radius": float(modulus.max()),
        "median_modulus": float(np.median(modulus)),
        "share_outside": float((modulus > 1).mean()),
        "operator_norm": float(singular[0]),
        "effective_rank": float(np.exp(-(share * np.log(share)).sum())) / len(values),
        "departure": float(np.sqrt(max(square - float((modulus**2).sum()), 0.0) / square)),
    }


class OperatorSpectrum(Analysis):
    """Eigenvalues and singular values of a Koopman student's operator."""

    plugin: ClassVar[str] = "operator-spectrum"
    needs: ClassVar[frozenset[str]] = frozenset({"operator"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "spectral_radius": Meaning(
            "spectral radius", "the largest |λ|", "lower", "heldout", is_ranked=False
        ),
        "median_modulus": Meaning(
            "median |λ|", "half of the eigenvalues are smaller", "lower", "heldout", is_ranked=False
        ),
        "share_outside": Meaning(
            "outside the circle",
            "share of eigenvalues with |λ| > 1",
            "lower",
            "heldout",
            is_fraction=True,
            is_ranked=False,
        ),
        "operator_norm": Meaning(
            "‖C‖", "the largest singular value", "lower", "heldout", is_ranked=False
        ),
        "effective_rank": Meaning(
            "effective rank / d",
            "exponential of the entropy of the singular values, over their number: 1 if all are equal",
            "higher",
            "heldout",
            is_ranked=False,
        ),
        "departure": Meaning(
            "departure from normality",
            "Henrici’s, 0 for a normal matrix and at most 1",
            "lower",
            "heldout",
            is_ranked=False,
        ),
    }

    def find(self, subject: Subject) -> Findings:
        """The numbers, the eigenvalues as [d, 2] and the singular values [d]."""
        assert subject.operator is not None  # what `needs` asks for
        values, singular = _spectra(subject.operator)
        values = values[np.lexsort((values.imag, values.real))]
        arrays = {
            "eigenvalues": np.stack([values.real, values.imag], axis=1),
            "singular_values": singular,
        }
        return Findings(spectrum_numbers(subject.operator), arrays=arrays)

    def draw(self, found: Found) -> list[Drawing]:
        """The eigenvalues of each point's first seed, and all singular values."""
        from kdm.analyze.spectrum_figures import eigenvalue_planes, singular_values  # matplotlib

        return [eigenvalue_planes(found), singular_values(found)]


def _spectra(C: NDArray[np.inexact]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Eigenvalues [d], and singular values [d] from the largest down: of a normal C their moduli."""
    if C.ndim == 1:
        values = C.astype(np.complex128)
        return values, np.sort(np.abs(values))[::-1]
    matrix = C.astype(np.float64)
    values = np.linalg.eigvals(matrix).astype(np.complex128)
    return values, np.linalg.svd(matrix, compute_uv=False).astype(np.float64)
