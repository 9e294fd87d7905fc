"""KDM-F: the Koopman student with a factorised operator, whose eigenvalues a penalty can pull (App. C).

    C_η = Re(P Λ P_inv),   λ_j = exp(−exp ν_j) e^{iθ_j},   L = L_Koopman + Σ penalties

Eigenvalues are parameters here, so that a penalty on them costs next to nothing, where KDM would need an
eigendecomposition a step. Everything else is as in `kdm.students.koopman`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from kdm.losses.adversarial import Adversary
from kdm.losses.spectral_options import SpectralOptions
from kdm.phase import Phase
from kdm.students.coder_choice import AnyCoders
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.late import Student
from kdm.students.mlp_coders import MlpCoders
from kdm.students.plugin import StudentPlugin
from storage.records import PairSchema


class KoopmanFactorised(StudentPlugin):
    """KDM-F: C_η = Re(P Λ P_inv), its eigenvalues pulled to targets that are drawn once."""

    plugin = "kdm-f"
    added_later: ClassVar[Mapping[str, Any]] = {"phase": "angle", "adversary": None}

    networks: AnyCoders = MlpCoders()
    losses: KoopmanLosses = KoopmanLosses()
    penalties: SpectralOptions = SpectralOptions()
    phase: Phase = "angle"  # what is learned of an eigenvalue's phase (published: logarithm)
    adversary: Adversary | None = None
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where d can't compare such samples, or lacks a file that it needs."""
        self.losses.distance.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator.

        Raises a ValueError where the networks can't take such samples.
        """
        from kdm.losses.spectral import SpectralPenalties  # torch: imported only to build
        from kdm.operators import FactorisedOperator
        from kdm.students.koopman_student import KoopmanStudent

        d = self.networks.num_latents(schema)
        return KoopmanStudent(
            schema,
            FactorisedOperator(d, phase=self.phase),
            networks=self.networks,
            losses=self.losses,
            data_scale=self.data_scale,
            penalties=SpectralPenalties(d, self.penalties),
            adversary=self.adversary,
        )
