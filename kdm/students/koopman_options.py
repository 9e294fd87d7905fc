"""What KDM and KDM-F have in common: all but the kind of operator, and the penalties on it (App. C)."""

from abc import ABC, abstractmethod

from pydantic import Field

from kdm.coders.coder_choice import DEFAULT_CODERS, AnyCoders
from kdm.losses.adversarial import Adversary
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.late_student import KoopmanOperator, SpectralPenalties, Student
from kdm.students.plugin import StudentPlugin
from storage.records import PairSchema


class KoopmanOptions(StudentPlugin, ABC):
    """Networks, losses, critic and scale of a Koopman student; subclasses bring its operator."""

    networks: AnyCoders = DEFAULT_CODERS
    losses: KoopmanLosses = KoopmanLosses()
    adversary: Adversary | None = None
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    @abstractmethod
    def _operator(self, latent_dim: int) -> KoopmanOperator:
        """An untrained C_η (d, d)."""

    @abstractmethod
    def _penalties(self, latent_dim: int) -> SpectralPenalties | None:
        """The penalties on C_η; None without any."""

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if d or the critic can't take such samples, or d lacks a file."""
        self.losses.distance.require_shape(shape, self.data_scale)
        if self.adversary is not None:
            self.adversary.require_shape(shape)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator.

        They are drawn in this order: operator, the penalties' targets, E_φ_0, E_φ_T, D_ψ, C_μ. Raises a
        ValueError if the networks can't take such samples.
        """
        from kdm.students.koopman_student import KoopmanStudent  # torch: imported only to build

        d = self.networks.num_latents(schema)
        operator, penalties = self._operator(d), self._penalties(d)
        return KoopmanStudent(
            schema.shape,
            self.networks.built(schema),
            operator,
            losses=self.losses,
            data_scale=self.data_scale,
            penalties=penalties,
            adversary=self.adversary,
        )
