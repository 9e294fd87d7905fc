"""kdm-t's coders that begin as the teacher: two of its denoisers, one after another, as KDM's do.

    z(t) = D_θ(x_t; σ_t, y),   A = 0,   x_0^ = D_θ(z; σ, y)     before the first step

From a state with little noise the first guess is nearly the sample already, so that many short steps follow
the teacher's own flow before training (KDM's: teacher_coders.py; HKD, arXiv 2510.12220, splits one network).
"""

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from kdm.coders.timed_coders import TimedPair
from kdm.level import Level
from kdm.students.teacher_start import CHOICE, FromTeacher
from storage.records import PairSchema


class TimedTeacherCoders(FromTeacher):
    """How E and D are made of the network; `networks` isn't read then."""

    # σ, in units of the data: at which noise level D sees latents.
    sigma: float = Field(0.3, gt=0)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError also for pictures of oddly many numbers, whose latents don't turn in pairs."""
        super().require_shape(shape)
        if math.prod(shape) % 2:
            raise ValueError(
                f"init 'teacher' makes latents of a picture's size, which must be even for pairs, not "
                f"{math.prod(shape)} as of shape {shape}; set init to random"
            )

    def built(
        self, schema: PairSchema, levels: Sequence[Level], *, data_scale: float, has_stepper: bool
    ) -> TimedPair:
        """Coders of the teacher's architecture, from torch's global generator in the order E, D, S."""
        from kdm.students.timed_denoisers import TimedDenoiserDecoder, TimedDenoiserEncoder
        from kdm.students.trajectory import Trajectory  # torch: imported only to build

        trajectory = Trajectory(levels, data_scale=data_scale)
        encoder = TimedDenoiserEncoder(self.denoiser(schema), trajectory)
        with_time = self.denoiser(schema, augment_dim=self.num_waves)
        decoder = TimedDenoiserDecoder(with_time, sigma=self.sigma, data_scale=data_scale)
        stepper = TimedDenoiserEncoder(self.denoiser(schema), trajectory) if has_stepper else None
        return TimedPair(encoder, decoder, schema.num_values, stepper)


TimedInit = Annotated[TimedTeacherCoders | None, CHOICE]
