"""KDM-F: the Koopman student with a factorised operator and a say over its eigenvalues (App. C)."""

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
    """C_η = Re(P Λ P_inv), its eigenvalues pulled to fixed random targets."""

    plugin = "kdm-f"
    added_later: ClassVar[Mapping[str, Any]] = {"phase": "angle", "adversary": None}

    networks: AnyCoders = MlpCoders()
    losses: KoopmanLosses = KoopmanLosses()
    penalties: SpectralOptions = SpectralOptions()
    phase: Phase = "angle"  # what is learned of an eigenvalue's phase (published: logarithm)
    adversary: Adversary | None = None
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where its distance cannot compare such samples, or lacks a file."""
        self.losses.distance.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> Student:
        """A student for pairs of this schema, with weights from torch's global generator."""
        from kdm.losses.spectral import SpectralPenalties  # torch: only who builds waits for it
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
