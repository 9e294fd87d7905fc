"""A recipe's teacher: trained by the recipe, already stored, or known in closed form."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import model_validator

from flows.config.imported_pairs import Name
from kdm.differential_privacy import DifferentialPrivacy
from kdm.licences import Licence
from kdm.training.options import TrainingOptions
from pairgen.teachers.plugin import TeacherPlugin
from storage.options import LastingOptions
from storage.plugins import Configured
from storage.shard_record import Digest


class TeacherRecipe(LastingOptions):
    """A field and how it's trained; a stored or closed-form teacher isn't trained."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "stored": None,
        "weights": None,
        "differential_privacy": None,
    }

    name: Name  # of the teacher; its digest follows in the folder's name
    model: Annotated[TeacherPlugin, Configured("pairgen.teachers")]  # a plugin and its options
    stored: str | None = None  # its folder below teachers/ of the home
    weights: Digest | None = None  # digest of that folder's weights, which pairs are named by
    training: TrainingOptions | None = None  # null: the teacher is stored, or known in closed form
    license: Licence | None = None  # of its weights; by default the data's, if trained here
    differential_privacy: DifferentialPrivacy | None = (
        None  # that its training claims; in no digest
    )

    @model_validator(mode="after")
    def _check_training(self) -> Self:
        if (self.stored is None) != (self.weights is None):
            raise ValueError("'stored' and 'weights' belong together; give both or neither")
        if self.stored is not None and self.training is not None:
            raise ValueError("a stored teacher is already trained; remove 'training' or 'stored'")
        if self.stored is not None:
            return self
        if self.model.is_imported:
            raise ValueError(
                f"teacher '{self.model.plugin}' is already trained: name it with --teacher"
            )
        if self.model.is_trained and self.training is None:
            raise ValueError(f"teacher '{self.model.plugin}' needs training; add 'training'")
        if not self.model.is_trained and self.training is not None:
            raise ValueError(
                f"teacher '{self.model.plugin}' is known in closed form; remove 'training'"
            )
        return self
