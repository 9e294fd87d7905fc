"""How strongly an operator's eigenvalues are pulled, and to which targets (App. C).

The options of `kdm.losses.spectral`, which recipes name without importing torch.
"""

from typing import Literal

from pydantic import Field

from storage.options import Options


class SpectralOptions(Options):
    """A factorised operator's penalties: both weights (0 switches one off), and the targets' kind.

    Targets are drawn once. `uniform-disc` spreads them evenly over |c| < 1, where every |λ| =
    exp(−exp ν) lies; `published-square` ("Uniform") draws Re and Im from U(−1, 1), of which the share
    1 − π/4 = 21 % can't be reached. `gradual` puts half of them near the circle and half inside
    |c| < 0.5. `circle` pulls to the nearest point of |c| = 1, `published-point` to 1 (published as
    "OnTheCircle").
    """

    spectral: float = Field(1.0, ge=0)  # weight of the pull to the targets
    inverse: float = Field(1.0, ge=0)  # weight of P_inv as the inverse of P
    # Their kind, as above.
    targets: Literal["uniform-disc", "gradual", "circle", "published-square", "published-point"] = (
        "uniform-disc"
    )


class DenseSpectralOptions(Options):
    """A dense operator's penalty on its eigenvalues (the published code's "EL"): weight and targets.

    A real matrix has its eigenvalues in conjugate pairs, and so are the targets of `conjugate-disc`:
    spread over |c| < 1, and assigned to eigenvalues so that the sum of distances is least.
    `published-quadrant` draws Re and Im from U(0, 1), one target for each eigenvalue in LAPACK's order.
    `circle` and `published-point` are as for the factorised operator.
    """

    spectral: float = Field(1.0, gt=0)  # weight of the pull to the targets
    # Their kind, as above.
    targets: Literal["conjugate-disc", "circle", "published-quadrant", "published-point"] = (
        "conjugate-disc"
    )
