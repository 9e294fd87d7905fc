"""How strongly an operator's eigenvalues are pulled, and where to (App. C, kdm.md 1.6)."""

from typing import Literal

from pydantic import Field

from storage.options import Options


class SpectralOptions(Options):
    """Weights of both penalties (0 switches one off) and where the eigenvalues are pulled to.

    Targets are drawn once. `uniform-disc` spreads them evenly over |c| < 1, which |λ| < 1 can
    reach; `published-square` draws Re and Im from U(−1, 1): a fraction 1 − π/4 is out of reach.
    `gradual` puts half of them near the circle and half inside |c| < 0.5. `circle` pulls to the
    nearest point of |c| = 1, `published-point` to 1 (there "OnTheCircle").
    """

    spectral: float = Field(1.0, ge=0)
    inverse: float = Field(1.0, ge=0)
    targets: Literal["uniform-disc", "gradual", "circle", "published-square", "published-point"] = (
        "uniform-disc"
    )


class DenseSpectralOptions(Options):
    """The weight, and where the eigenvalues of a dense operator are pulled to ("EL").

    A real matrix has eigenvalues in conjugate pairs, and so have the targets of `conjugate-disc`,
    spread over |c| < 1 and given to the eigenvalues so that the sum of distances is least.
    `published-quadrant` draws Re and Im from U(0, 1), one for each eigenvalue in LAPACK's order.
    `circle` and `published-point` are those of the factorised operator.
    """

    spectral: float = Field(1.0, gt=0)
    targets: Literal["conjugate-disc", "circle", "published-quadrant", "published-point"] = (
        "conjugate-disc"
    )
