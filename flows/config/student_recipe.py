"""A recipe's students."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import model_validator

from flows.config.imported_pairs import Name
from kdm.finish.finish_options import FinishOptions
from kdm.students.plugin import StudentPlugin
from kdm.students.teacher_start import TeacherStarter
from kdm.training.finish_input import finish_training
from kdm.training.options import TrainingOptions
from pairgen.teachers.plugin import TeacherPlugin
from storage.options import LastingOptions
from storage.plugins import Configured, describe
from storage.records import LabelRule, PairSchema


class StudentRecipe(LastingOptions):
    """A student and how it is trained."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "needs_labels": False,
        "finish": None,
        "after": None,
    }

    name: Name  # of the student; its digest follows in the folder's name
    needs_labels: bool = False  # refuse pairs without labels, instead of training without them
    model: Annotated[StudentPlugin, Configured("kdm.students")]  # a plugin and its options
    training: TrainingOptions  # its steps, optimiser and average
    # A student that was finished: by what, and the name of the one that it was before, which has the
    # same model and training (flows/config/finished_students.py writes both).
    finish: FinishOptions | None = None
    after: Name | None = None  # the name of the student before it was finished

    @model_validator(mode="after")
    def _check_finish(self) -> Self:
        if (self.finish is None) != (self.after is None):
            raise ValueError("finish and after come together; name the student that is finished")
        return self

    @property
    def trainings(self) -> tuple[TrainingOptions, ...]:
        """The student's own and, if it is finished, the second one."""
        if self.finish is None:
            return (self.training,)
        return self.training, finish_training(self.finish, self.training)

    @property
    def num_images(self) -> int:
        """Samples over all steps of all its trainings."""
        return sum(each.num_steps * each.batch_size for each in self.trainings)

    @property
    def finished(self) -> str:
        """A sentence for its card; empty for one that wasn't finished."""
        if self.finish is None:
            return ""
        return f"{self.name} is {self.after} after {self.finish.words}."

    @property
    def before_finish(self) -> "StudentRecipe":
        """The student that this one finishes."""
        return self.model_copy(update={"name": self.after, "finish": None, "after": None})

    @property
    def settings(self) -> dict[str, Any]:
        """What tells it from others, as JSON values: model, training, finish."""
        found = {"model": describe(self.model), "training": self.training.model_dump(mode="json")}
        return found | ({"finish": self.finish.model_dump(mode="json")} if self.finish else {})

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if it can't learn samples of this shape, or be finished on them."""
        try:
            self.model.require_shape(shape)
            for training in self.trainings:
                training.require_shape(shape)
            if self.finish is not None:
                self.finish.features.require_shape(shape)
                self.finish.features.require_files()
        except ValueError as error:
            raise ValueError(f"student '{self.name}': {error}") from error

    def require_labels(self, label: LabelRule | None) -> None:
        """Raise a ValueError if the student needs labels and the pairs lack them."""
        if self.needs_labels and label is None:
            raise ValueError(
                f"student '{self.name}' is class-conditional, but the pairs are unlabelled; choose "
                "pairs with labels, a preset without 'cond', or set needs_labels to false"
            )

    def require_count(self, count: int) -> None:
        """Raise a ValueError if of so many training pairs none is left to learn from."""
        try:
            self.training.require_count(count)
        except ValueError as error:
            raise ValueError(f"student '{self.name}': {error}") from error

    def require_states(self, schema: PairSchema) -> None:
        """Raise a ValueError if the student reads states and the pairs don't hold them, or others."""
        try:
            self.model.require_states(schema)
        except ValueError as error:
            raise ValueError(f"student '{self.name}': {error}") from error

    def require_start(self, teacher: TeacherPlugin, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if it starts from the weights of such a teacher, and can't take them."""
        if not isinstance(self.model, TeacherStarter) or self.model.init is None:
            return
        if self.model.init.network is None:
            try:
                teacher.network_for_students(shape)
            except ValueError as error:
                raise ValueError(f"student '{self.name}': {error}") from error
