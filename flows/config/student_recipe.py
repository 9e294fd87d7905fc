"""A recipe's students."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from flows.config.imported_pairs import Name
from kdm.students.plugin import StudentPlugin
from kdm.students.teacher_start import TeacherStarter
from kdm.training.options import TrainingOptions
from pairgen.teachers.plugin import TeacherPlugin
from storage.options import LastingOptions
from storage.plugins import Configured
from storage.records import LabelRule, PairSchema


class StudentRecipe(LastingOptions):
    """A student and how it is trained."""

    added_later: ClassVar[Mapping[str, Any]] = {"needs_labels": False}

    name: Name
    needs_labels: bool = False  # refuse pairs without labels, instead of training without them
    model: Annotated[StudentPlugin, Configured("kdm.students")]
    training: TrainingOptions

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
