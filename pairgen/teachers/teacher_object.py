"""A teacher that a Python program hands over: an object, which no file describes.

Its name, its version and the digest of its tensors stand in the spec of its pairs; the object itself
is wherever the program makes it. Without it the pairs are read, filtered and learned from as any others.
"""

from copy import deepcopy
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from kdm.objective import Objective
from pairgen.late_field import Teacher
from pairgen.teachers.plugin import TeacherPlugin
from storage.options import parse
from storage.shard_record import Digest


class TeacherObject(TeacherPlugin):
    """What tells one such teacher from another. Code isn't looked at: another field needs another version."""

    plugin = "object"
    is_trained: ClassVar[bool] = False
    is_given: ClassVar[bool] = True

    name: str = Field("Teacher", max_length=200)  # of its class
    of_version: int = Field(1, ge=1)  # its class's `version`
    tensors: Digest | None = None  # of its parameters and buffers; None: it doesn't have any
    start: float = Field(1.0, gt=0)  # its noise scale, in the units of the data
    num_classes: int = Field(0, ge=0)  # that it distinguishes; 0: it takes no label

    _given: Any = PrivateAttr(default=None)

    @classmethod
    def of(cls, teacher: object, num_classes: int) -> "TeacherObject":
        """The plugin that hands this object over.

        Raises a ValueError if the object isn't a teacher whose field can be integrated.
        """
        from pairgen.teachers.object_tensors import tensors_digest, whole_teacher  # torch

        given = whole_teacher(teacher)
        described = {
            "name": type(given).__name__,
            "of_version": getattr(type(given), "version", 1),
            "tensors": tensors_digest(given),
            "start": float(given.noise_scale),
            "num_classes": num_classes,
        }
        plugin = parse(cls, described, "the teacher")
        plugin._given = given
        return plugin

    @property
    def noise_scale(self) -> float:
        """The object's."""
        return self.start

    def build(self, shape: tuple[int, ...]) -> Teacher:
        """A copy of the object, so that the program's own stays as it is; a ValueError without it."""
        if self._given is None:
            raise ValueError(
                f"the teacher of these pairs was the object '{self.name}' of a Python program, which no "
                "file holds; give it again there, with kdm.generate_pairs"
            )
        try:
            built: Teacher = deepcopy(self._given)
        except TypeError as error:
            raise ValueError(
                f"teacher {self.name} can't be copied ({error}), so that it stays as it is while it is used; "
                "keep such things outside of it, or define its __deepcopy__"
            ) from error
        return built

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """Always a ValueError: its program trains it."""
        raise ValueError("teacher 'object' comes from a Python program, which has trained it")
