"""What a Koopman student encodes and decodes with: two encoders and a decoder (Eq. 3, App. E.3)."""

from abc import ABC, abstractmethod
from typing import ClassVar

from kdm.torch_types import Module
from storage.options import Options
from storage.records import PairSchema


class Coders(Options, ABC):
    """Options of E_φ_0, E_φ_T and D_ψ: modules of (x or z, one-hot labels or None).

    Encoders give z [n, d], the decoder samples; each knows its time, 0 for data and 1 for noise.
    """

    # Whether z_0^ and z_0 pass the decoder as one batch; as two they round otherwise.
    joins_passes: ClassVar[bool]

    @abstractmethod
    def num_latents(self, schema: PairSchema) -> int:
        """d."""

    @abstractmethod
    def encoder_0(self, schema: PairSchema) -> Module:
        """An untrained encoder of data."""

    @abstractmethod
    def encoder_T(self, schema: PairSchema) -> Module:
        """An untrained encoder of noise."""

    @abstractmethod
    def decoder(self, schema: PairSchema) -> Module:
        """An untrained decoder."""

    def noise_divisor(self, schema: PairSchema) -> float:
        """What x_T is divided by on its way in."""
        return schema.noise.scale

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the networks are told apart; 0 where they see no label."""
        return 0

    def has_control(self, schema: PairSchema) -> bool:
        """Whether labels also shift the pushed latent, by C_μ (Algorithm 1)."""
        return False
