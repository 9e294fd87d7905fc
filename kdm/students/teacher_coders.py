"""Coders that begin as the teacher: both encoders and the decoder are its own denoiser, with its weights.

    z_T = D_θ(x_T; σ_T, y) ⊕ more,   C_η = 1,   x_0^ = D_θ(z_T; σ, y)     before the first step

So a Koopman student begins with the teacher's guess from one evaluation, made sharper by a second, and with
coders that know the data's features (HKD, arXiv 2510.12220, begins with halves of one network instead).
`⊕ more`: latents may have further channels, whose weights begin at random, as small as an untrained
network's. On digits they gain nothing (docs/results.md), so that there are none unless asked for.
"""

from typing import Annotated

from pydantic import Field

from kdm.coders.coders import BuiltCoders
from kdm.networks.late_networks import Preconditioner
from kdm.students.teacher_start import CHOICE, FromTeacher
from kdm.torch_types import Linear
from storage.records import PairSchema


class TeacherCoders(FromTeacher):
    """How KDM's and KDM-F's coders are made of the network; `networks` isn't read then."""

    # Of z as a picture, of which the first ones are colours; null: as many as there are colours.
    latent_channels: int | None = Field(None, ge=1)
    # σ, in units of the data: at which noise level E_φ_0 and D_ψ see what they are given.
    sigma: float = Field(0.3, gt=0)
    has_control: bool = True  # C_μ, which begins at 0, where the teacher distinguishes classes

    def num_latents(self, schema: PairSchema) -> int:
        """d, as many numbers as the latent picture has pixels; a ValueError if they aren't pictures."""
        self.require_shape(schema.shape)
        return self._num_channels(schema) * schema.shape[1] ** 2

    def built(self, schema: PairSchema, *, data_scale: float) -> BuiltCoders:
        """Coders of the teacher's architecture, their weights from torch's global generator.

        They are drawn in the order E_φ_0, E_φ_T, D_ψ.
        """
        from kdm.coders.denoiser_codes import (  # torch: only to build
            DenoiserDecoder,
            DenoiserEncoder,
        )

        colours, latents = schema.shape[0], self._num_channels(schema)
        inwards, outwards = (colours, latents), (latents, colours)

        def denoiser(channels: tuple[int, int]) -> Preconditioner:
            return self.denoiser(schema, channels=channels)

        low, high = (
            {"sigma": each, "data_scale": data_scale} for each in (self.sigma, schema.noise.scale)
        )
        return BuiltCoders(
            encoder_0=DenoiserEncoder(denoiser(inwards), **low),
            encoder_T=DenoiserEncoder(denoiser(inwards), **high),
            decoder=DenoiserDecoder(denoiser(outwards), **low),
            control=self._control(schema),
            num_classes=self.num_classes(schema),
            noise_divisor=data_scale,
            joins_passes=True,
        )

    def _num_channels(self, schema: PairSchema) -> int:
        return self.latent_channels or schema.shape[0]

    def _control(self, schema: PairSchema) -> Linear | None:
        """C_μ of zeros, so that it changes nothing before it has learned."""
        num_classes = self.num_classes(schema)
        if not num_classes or not self.has_control:
            return None
        from torch import nn  # imported only to build

        control = nn.Linear(num_classes, self.num_latents(schema))
        for each in control.parameters():
            nn.init.zeros_(each)
        return control


CodersInit = Annotated[TeacherCoders | None, CHOICE]
