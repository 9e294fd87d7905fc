"""What KDM and KDM-F have in common: all but the kind of operator, and the penalties on it (App. C)."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import Field

from kdm.coders.coder_choice import DEFAULT_CODERS, AnyCoders
from kdm.coders.coders import BuiltCoders
from kdm.losses.adversarial import Adversary
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.late_student import KoopmanOperator, SpectralPenalties, Student
from kdm.students.teacher_coders import CodersInit
from kdm.students.teacher_start import TeacherStarter
from storage.records import PairSchema

MOST_LATENTS = 2**16  # d: C_η (d, d) has 17 GB then, and five times as much while it's trained


class KoopmanOptions(TeacherStarter, ABC):
    """Networks, losses, critic and scale of a Koopman student; subclasses bring its operator."""

    of_random_networks: ClassVar[tuple[str, ...]] = ("networks",)
    said_in_init: ClassVar[str] = (
        ", and say what latents are like in init, as in init: {latent_channels: 4}"
    )

    networks: AnyCoders = DEFAULT_CODERS  # encoders and decoder
    init: CodersInit = None  # instead of `networks`: the teacher's own, with its weights
    losses: KoopmanLosses = KoopmanLosses()  # weights of Eq. 4
    adversary: Adversary | None = None  # a critic of pictures beside d; null: none
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    @abstractmethod
    def _operator(self, latent_dim: int) -> KoopmanOperator:
        """An untrained C_η (d, d)."""

    @abstractmethod
    def _penalties(self, latent_dim: int) -> SpectralPenalties | None:
        """The penalties on C_η; None without any."""

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if coders, d or the critic can't take such samples, or d lacks a file.

        Also if there would be too many latents for a matrix.
        """
        _require_matrix((self.init or self.networks).num_latents(PairSchema(shape=shape)))
        self.losses.distance.require_shape(shape, self.data_scale)
        if self.adversary is not None:
            self.adversary.require_shape(shape)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator.

        They are drawn in this order: operator, the penalties' targets, E_φ_0, E_φ_T, D_ψ, C_μ. Raises a
        ValueError if the networks can't take such samples.
        """
        from kdm.students.koopman_student import KoopmanStudent  # torch: imported only to build

        d = (self.init or self.networks).num_latents(schema)
        operator, penalties = self._operator(d), self._penalties(d)
        if self.init is not None:
            operator.begin_as_identity()
        return KoopmanStudent(
            schema.shape,
            self._coders(schema),
            operator,
            losses=self.losses,
            data_scale=self.data_scale,
            penalties=penalties,
            adversary=self.adversary,
        )

    def _coders(self, schema: PairSchema) -> BuiltCoders:
        if self.init is not None:
            return self.init.built(schema, data_scale=self.data_scale)
        return self.networks.built(schema)


def _require_matrix(num_latents: int) -> None:
    if num_latents > MOST_LATENTS:
        raise ValueError(
            f"latents would have {num_latents:,} numbers, so that the operator is a matrix of "
            f"{num_latents**2:.1e}; at most {MOST_LATENTS:,} are possible: choose fewer latent_channels, or "
            "init: random and networks with a latent_dim"
        )
