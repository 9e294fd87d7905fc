"""KDM-F: the Koopman student with a factorised operator, whose eigenvalues a penalty can pull (App. C).

    C_η = Re(P Λ P_inv),   λ_j = exp(−exp ν_j) e^{iθ_j},   L = L_Koopman + Σ penalties

Eigenvalues are parameters here, so that a penalty on them costs next to nothing, while KDM would
need an eigendecomposition a step. Everything else is as in `kdm.students.koopman`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from kdm.losses.spectral_options import SpectralOptions
from kdm.phase import Phase
from kdm.students.koopman_options import KoopmanOptions
from kdm.students.late_student import KoopmanOperator, SpectralPenalties


class KoopmanFactorised(KoopmanOptions):
    """KDM-F: C_η = Re(P Λ P_inv), its eigenvalues pulled to targets that are drawn once."""

    plugin = "kdm-f"
    added_later: ClassVar[Mapping[str, Any]] = {
        "phase": "angle",
        "adversary": None,
        "init": None,
    }

    penalties: SpectralOptions = SpectralOptions()  # on the eigenvalues (App. C)
    phase: Phase = "angle"  # what is learned of an eigenvalue's phase (published: logarithm)

    def _operator(self, latent_dim: int) -> KoopmanOperator:
        from kdm.operators import FactorisedOperator  # torch: imported only to build

        return FactorisedOperator(latent_dim, phase=self.phase)

    def _penalties(self, latent_dim: int) -> SpectralPenalties:
        from kdm.losses.spectral import SpectralPenalties as Built  # torch: imported only to build

        return Built(latent_dim, self.penalties)
