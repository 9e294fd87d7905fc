"""Dormand and Prince's adaptive method of order 5 (1980), as torchdiffeq and torchcfm sample with it.

The rule, its error estimate and the choice of steps are in kdm/solvers/dopri5.py. A step is accepted if
the root mean square of the error over the whole batch is within the tolerance. So a sample depends, by
about the tolerance, on its neighbours, and the number of evaluations on all of them. Fixed steps are the
reproducible choice for pairs.
"""

from typing import ClassVar

from pydantic import Field

from kdm.no_grad import no_grad
from kdm.shapes import Labels, Samples
from kdm.torch_types import Tensor
from pairgen.late_field import Teacher
from pairgen.samplers.sampler import Sampler, Trajectory, velocity


class Dopri5(Sampler):
    """Adaptive steps from T to 0; the defaults are those of the published samples."""

    plugin = "dopri5"
    caution: ClassVar[str | None] = (
        "sampler 'dopri5' chooses its steps by a whole batch: another pairs.sampling_batch changes "
        "the pairs, by about its tolerance; for pairs that depend on their index alone "
        "choose 'midpoint', 'heun' or 'rk4'"
    )

    # For float32 states: below 1e-7 the error is their own rounding.
    rtol: float = Field(1e-5, ge=1e-7, lt=1)  # error of a step that is allowed, relative to x
    atol: float = Field(1e-5, ge=1e-7)  # and absolute

    @property
    def nfe(self) -> None:
        """None: it depends on the batch; `sample` counts them."""
        return None

    @no_grad
    def sample(
        self,
        teacher: Teacher,
        x_T: Samples,
        label: Labels | None = None,
        *,
        keep_states: int = 0,
    ) -> Trajectory:
        """x_0 [n, *shape] from x_T [n, *shape], without gradients.

        Raises ValueError if states are to be kept, InvalidPairsError if no step keeps the tolerance.
        """
        from kdm.solvers.dopri5 import Tolerance, dopri5

        self.kept_steps(keep_states)
        begin, num_velocities = self.begins_at(teacher), 0
        span = teacher.t_data - begin

        def along(x: Samples, share: Tensor) -> Samples:
            nonlocal num_velocities
            num_velocities += 1
            return span * velocity(teacher, x, begin + span * float(share), label)

        x_0 = dopri5(along, x_T, Tolerance(self.rtol, self.atol))
        none = x_T.new_empty(len(x_T), 0, *x_T.shape[1:])
        return Trajectory(x_0, none, num_velocities * teacher.evaluations)

    def kept_steps(self, keep_states: int) -> tuple[int, ...]:
        """(); a ValueError if the caller wants states."""
        if keep_states:
            raise ValueError(
                f"{keep_states} states between noise and data are required, but the steps of "
                "'dopri5' differ from batch to batch; set num_states to 0, or choose a sampler of "
                "fixed steps"
            )
        return ()
