"""What a Koopman student encodes and decodes with: two encoders and a decoder (Eq. 3, App. E.3).

    E_φ_0: (x_0, t = 0, y) → z_0        E_φ_T: (x_T, t = T, y) → z_T        D_ψ: (z, t = 0, y) → x

z has d numbers, x the shape of a sample, y are one-hot labels or none. The encoders are two
networks with separate weights (E_φ and E_ϕ in Sec. 4, Algorithm 1, lines 2 and 3); the one decoder
reconstructs x_0 from z_0 and predicts it from the pushed z_T. Time is a constant of each network,
here 0 or 1.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from kdm.torch_types import Linear, Module
from storage.options import Options
from storage.records import PairSchema


class BuiltCoders(NamedTuple):
    """Coders as modules, called with (x (n, ...) or z (n, d), one-hot labels (n, classes) or None)."""

    encoder_0: Module
    encoder_T: Module
    decoder: Module
    control: Linear | None  # C_μ, one-hot labels to (n, d)
    num_classes: int  # that they distinguish; 0: they see no label
    noise_divisor: float  # what x_T is divided by on its way in
    joins_passes: bool  # see `Coders`


class Coders(Options, ABC):
    """The options of E_φ_0, E_φ_T and D_ψ, and what builds them.

    Encoders give z (n, d); the decoder gives samples, flat or not.
    """

    # Whether z_0^ and z_0 pass the decoder as one batch: faster, but it rounds differently from two.
    joins_passes: ClassVar[bool]

    def built(self, schema: PairSchema) -> BuiltCoders:
        """Untrained coders, their weights from torch's global generator.

        They are drawn in the order E_φ_0, E_φ_T, D_ψ, C_μ.
        """
        return BuiltCoders(
            encoder_0=self.encoder_0(schema),
            encoder_T=self.encoder_T(schema),
            decoder=self.decoder(schema),
            control=self._control(schema),
            num_classes=self.num_classes(schema),
            noise_divisor=self.noise_divisor(schema),
            joins_passes=self.joins_passes,
        )

    @abstractmethod
    def num_latents(self, schema: PairSchema) -> int:
        """d, the numbers of z for pairs of this schema; a ValueError if it can't code them."""

    @abstractmethod
    def encoder_0(self, schema: PairSchema) -> Module:
        """E_φ_0, an untrained encoder of data."""

    @abstractmethod
    def encoder_T(self, schema: PairSchema) -> Module:
        """E_φ_T, an untrained encoder of noise."""

    @abstractmethod
    def decoder(self, schema: PairSchema) -> Module:
        """D_ψ, an untrained decoder."""

    def noise_divisor(self, schema: PairSchema) -> float:
        """What x_T is divided by on its way in: the noise's standard deviation, unless overridden."""
        return schema.noise.scale

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the networks distinguish; 0 if they see no label."""
        return 0

    def has_control(self, schema: PairSchema) -> bool:
        """Whether labels also shift the pushed latent, by C_μ (Sec. 4; Algorithm 1, lines 5 to 7)."""
        return False

    def _control(self, schema: PairSchema) -> Linear | None:
        if not self.has_control(schema):
            return None
        from torch import nn  # imported only to build

        return nn.Linear(self.num_classes(schema), self.num_latents(schema))
