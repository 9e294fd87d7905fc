"""One training as data: which model, on what, how and where. `python -m kdm.training` runs it.

A job is a JSON document that a stage writes and another process reads: training runs as a separate
process, which can be killed, restarted and put on other machines. Reading a job imports no torch.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainSerializer, ValidationInfo, field_validator, model_validator

from kdm.objective import Objective
from kdm.students.plugin import GROUP as STUDENTS
from kdm.students.plugin import StudentPlugin
from kdm.training.device import Device
from kdm.training.finish_input import FinishInput
from kdm.training.inputs import DatasetInput, PairsInput
from kdm.training.options import TrainingOptions
from storage.options import LastingOptions
from storage.plugins import Plugin, configure, describe
from storage.records import PairSchema


class TrainingJob(LastingOptions):
    """All that a training process needs to know.

    `model` is a plugin of `group`: a student, which learns from pairs, or a teacher.
    """

    added_later: ClassVar[Mapping[str, Any]] = {"finish": None, "teacher": None}

    group: Literal["kdm.students", "pairgen.teachers"]
    model: Annotated[Plugin, PlainSerializer(describe)]
    source: Annotated[PairsInput | DatasetInput, Field(discriminator="kind")]
    training: TrainingOptions
    finish: FinishInput | None = None  # the trained student that this one starts from
    folder: str  # URL of where checkpoints and the result go
    device: Device = "auto"
    # URL of the folder with the weights that a student starts from (`init: teacher`). Their digest is
    # among the model's options, so that the place is in no identity. Null: none were found.
    teacher: str | None = None

    @field_validator("model", mode="plain")
    @classmethod
    def _configure_model(cls, choice: Any, info: ValidationInfo) -> Plugin:
        """The plugin of `group` that the document chooses."""
        if "group" not in info.data:
            raise ValueError("cannot be chosen without a valid 'group'")
        return configure(info.data["group"], choice)

    @model_validator(mode="after")
    def _check_source(self) -> "TrainingJob":
        if self.group == STUDENTS and self.source.kind != "pairs":
            raise ValueError("a student learns from pairs; give it a source of kind 'pairs'")
        apart = self.training.num_apart
        if apart and self.source.kind != "pairs":
            raise ValueError("ema.others are for students; a teacher has one average")
        if self.source.kind == "pairs":
            self.training.require_count(self.source.count)
        return self

    @model_validator(mode="after")
    def _check_finish(self) -> "TrainingJob":
        if self.finish is None:
            return self
        if self.group != STUDENTS:
            raise ValueError("finish is for students, and this is a teacher; leave it out")
        if self.training.micro_batch is not None:
            raise ValueError(
                "finish compares moments of a whole batch, which no micro-batch has; leave "
                "training.micro_batch out, or share the batch among more ranks"
            )
        return self

    @property
    def reads_states(self) -> bool:
        """Whether the model learns from states between noise and data."""
        return isinstance(self.model, StudentPlugin) and self.model.reads_states

    def identity(self) -> dict[str, Any]:
        """All that weights and losses depend on, except the machine, as JSON values.

        It is the digest of a student's name (docs/store.md), and is in checkpoints and results.
        """
        return {
            "group": self.group,
            "model": describe(self.model),
            "source": self.source.identity(),
            "training": self.training.identity(),
            **({"finish": self.finish.identity()} if self.finish else {}),
        }

    def objective(self, schema: PairSchema) -> Objective:
        """The untrained model with its losses; its initial weights depend on `training.seed` alone.

        A student is built for the whole schema, a teacher for a shape. Raises a ValueError if the
        model can't learn such samples.
        """
        from kdm.randomness.step_seeds import seed_initial_weights  # torch: imported only to train

        model: Any = self.model
        self.training.require_shape(schema.shape)
        seed_initial_weights(self.training.seed)
        if self.group == STUDENTS:
            model.require_trainable(schema)
            learned: Objective = model.build(schema).objective()
            return learned
        objective: Objective = model.objective(schema.shape)
        return objective
