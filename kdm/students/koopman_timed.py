"""kdm-t: a Koopman student in continuous time, which learns from the stored states.

    x_t ─E(·, t)─► z(t) ─e^{(t−s)A}─► z(s) ─D(·, s)─► m_s          x_s = (σ_s / σ_T) x_T + γ_s m_s

KDM has one operator, from noise to data. Here a generator A carries latents from any time to any other,
so that a sample can take one evaluation or several, by way of x_s (Koopman theory in continuous time:
Sec. 3 of arXiv 2505.13358; at every level of a U-Net: HKD, arXiv 2510.12220). With `steps` several
evaluations have a network of their own (timed_steps.py).

x at a time of level (α, σ) is α x_0 + σ ε in distribution. A share σ_s / σ_T of x_T is still in x_s, which
the network needn't carry; m_s is the rest, in units of data: γ_s = α_s − α_T σ_s / σ_T, and m_0 = x_0. For
EDM and flow matching m_s is the teacher's denoised sample, averaged along the way from T to s (Kim et al.
2024, "Consistency trajectory models", Eq. 9, with the noise as anchor). The encoder sees x_t over its
standard deviation, sqrt(α² σ_data² + σ²). Times are a trajectory's own: 1 at x_T, 0 at x_0, evenly spaced
over the K stored states between, which are themselves evenly spaced over the sampler's steps.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from kdm.coders.timed_coders import TimedCoders, TimedMlps
from kdm.level import Level
from kdm.losses.adversarial import Adversary
from kdm.students.late_student import Student
from kdm.students.state_reader import StateReader
from kdm.students.teacher_start import TeacherStarter
from kdm.students.timed_losses import TimedLosses
from kdm.students.timed_steps import Steps
from kdm.students.timed_teacher_coders import TimedInit
from storage.records import PairSchema


class KoopmanTimed(TeacherStarter, StateReader):
    """Networks, losses and sampling steps of kdm-t; `levels` come from the pairs."""

    plugin = "kdm-t"
    added_later: ClassVar[Mapping[str, Any]] = {"init": None, "steps": None}
    of_random_networks: ClassVar[tuple[str, ...]] = ("networks",)

    networks: TimedCoders = TimedMlps()  # encoder and decoder
    init: TimedInit = None  # instead of `networks`: the teacher's own, with its weights
    losses: TimedLosses = TimedLosses()  # weights of its terms
    steps: Steps | None = None  # a network of its own for samples of several evaluations
    num_steps: int = Field(1, ge=1, le=65)  # of a sample, at most one more than there are states
    # The share of training in which encoder and decoder, with A at rest, only regress x_T and stored
    # states to x_0 (the offline half of CMT's mid-training, arXiv 2509.24526).
    warm_up_share: float = Field(0.0, ge=0, lt=1)
    adversary: Adversary | None = None  # a critic of x_0^ of x_T, in one evaluation
    # σ_data: about the standard deviation of x_0, in its units.
    data_scale: float = Field(1.0, gt=0)

    @model_validator(mode="after")
    def _check_steps(self) -> "KoopmanTimed":
        if self.steps is not None:
            if self.init is None:
                raise ValueError(
                    "steps are learned by a network that begins as the teacher's; set init to teacher, or "
                    "leave steps out"
                )
            self.steps.require(self.num_steps)
        return self

    @model_validator(mode="after")
    def _check_opening(self) -> "KoopmanTimed":
        begins = self.adversary.starts_at if self.adversary else 0.0
        if self.warm_up_share and begins not in (0.0, self.warm_up_share):
            raise ValueError(
                f"warm_up_share is {self.warm_up_share}, and the critic comes in at {begins}; it can only "
                "come in when the warm-up ends: leave adversary.starts_at out"
            )
        return self

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that the networks or d can't take."""
        (self.init or self.networks).require_shape(shape)
        self.losses.distance.require_shape(shape, self.data_scale)

    def require_states(self, schema: PairSchema) -> None:
        """Raise a ValueError unless there are as many states as levels, and enough for the steps."""
        super().require_states(schema)
        if self.steps and self.steps.count > schema.num_states + 1:
            raise ValueError(
                f"steps.count is {self.steps.count}, but with {schema.num_states} stored states a sample "
                f"takes at most {schema.num_states + 1}; choose fewer, or store more states"
            )
        if self.num_steps > schema.num_states + 1:
            raise ValueError(
                f"num_steps is {self.num_steps}, but with {schema.num_states} stored states a sample "
                f"takes at most {schema.num_states + 1}; choose fewer, or store more states"
            )

    def build(self, schema: PairSchema) -> Student:
        """An untrained student, its weights drawn in the order E, D; a ValueError for other samples.

        Without `levels`, as a plan that only counts has it, those of a straight path are assumed.
        """
        from kdm.students.koopman_timed_student import KoopmanTimedStudent
        from kdm.students.trajectory import Trajectory

        levels = self.levels or _assumed(schema)
        if self.init is not None:
            coders = self.init.built(
                schema, levels, data_scale=self.data_scale, has_stepper=self.steps is not None
            )
        else:
            coders = self.networks.built(schema)
        student = KoopmanTimedStudent(
            coders,
            Trajectory(levels, data_scale=self.data_scale),
            losses=self.losses,
            num_classes=(self.init or self.networks).num_classes(schema),
            steps=self.steps,
            warm_up_share=self.warm_up_share,
            adversary=self.adversary,
            shape=schema.shape,
        )
        student.num_steps = self.num_steps
        return student


def _assumed(schema: PairSchema) -> tuple[Level, ...]:
    """Levels of a straight path for as many states as the schema has."""
    count = schema.num_states + 1
    return tuple(Level(i / count, schema.noise.scale * (1 - i / count)) for i in range(count))
