"""KDM-F: the Koopman student with a factorised operator and a say over its eigenvalues (App. C)."""

from pydantic import Field

from kdm.losses.spectral import SpectralOptions, SpectralPenalties
from kdm.operators import FactorisedOperator
from kdm.students.koopman import KoopmanLosses, KoopmanNetworks, KoopmanStudent
from kdm.students.student import StudentPlugin
from storage.records import PairSchema


class KoopmanFactorised(StudentPlugin):
    """C_η = Re(P Λ P_inv), its eigenvalues pulled to fixed random targets."""

    plugin = "kdm-f"

    networks: KoopmanNetworks = KoopmanNetworks()
    losses: KoopmanLosses = KoopmanLosses()
    penalties: SpectralOptions = SpectralOptions()
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def build(self, schema: PairSchema) -> KoopmanStudent:
        """A student for pairs of this schema, with weights from torch's global generator."""
        latent_dim = self.networks.latent_dim
        return KoopmanStudent(
            schema,
            FactorisedOperator(latent_dim),
            networks=self.networks,
            losses=self.losses,
            data_scale=self.data_scale,
            penalties=SpectralPenalties(latent_dim, self.penalties),
        )
