"""What a Koopman student encodes and decodes with: two encoders and a decoder (Eq. 3, App. E.3).

    E_φ_0: (x_0, t = 0, y) → z_0        E_φ_T: (x_T, t = T, y) → z_T        D_ψ: (z, t = 0, y) → x

z has d numbers, x the shape of a sample, y are one-hot labels or none. The encoders are two networks with
weights of their own (E_φ and E_ϕ in Sec. 4, Algorithm 1, lines 2 and 3); the one decoder reconstructs x_0
from z_0 and predicts it from the pushed z_T. Time is a constant of each network, here 0 or 1.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from kdm.torch_types import Module
from storage.options import Options
from storage.records import PairSchema


class Coders(Options, ABC):
    """The options of E_φ_0, E_φ_T and D_ψ, and what builds them.

    They are modules called with (x (n, ...) or z (n, d), one-hot labels (n, classes) or None). Encoders
    give z (n, d); the decoder gives samples, flat or not. Initial weights come from torch's global
    generator, in the order encoder_0, encoder_T, decoder.
    """

    # Whether z_0^ and z_0 pass the decoder as one batch: faster, but it rounds differently from two.
    joins_passes: ClassVar[bool]

    @abstractmethod
    def num_latents(self, schema: PairSchema) -> int:
        """d, the numbers of z for pairs of this schema; a ValueError where it can't code them."""

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
        """How many classes the networks distinguish; 0 where they see no label."""
        return 0

    def has_control(self, schema: PairSchema) -> bool:
        """Whether labels also shift the pushed latent, by C_μ (Sec. 4; Algorithm 1, lines 5 to 7)."""
        return False
