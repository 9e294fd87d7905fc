"""The options of a student's architecture: what a recipe names, and what builds it.

Importing a plugin must not import torch, which takes seconds: a recipe can then be read, checked and
named without it. So `build` imports the student's module itself.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from kdm.students.late_student import Student
from storage.plugins import Plugin
from storage.records import PairSchema

GROUP = "kdm.students"


class StudentPlugin(Plugin, ABC):
    """The options of one architecture: pydantic fields with defaults, all part of a student's name."""

    # Whether batches hold the states between noise and data, which otherwise stay in the files
    # (kdm/students/state_reader.py).
    reads_states: ClassVar[bool] = False

    @abstractmethod
    def build(self, schema: PairSchema) -> Student:
        """An untrained student for pairs of this schema: shapes, noise scale and classes are in it.

        Initial weights come from torch's global generator, which the trainer seeds before the call, and
        from nowhere else.
        """

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if it can't learn samples of this shape, or lacks a file.

        Called before any work starts. Without an override any shape will do.
        """

    def require_states(self, schema: PairSchema) -> None:
        """Raise a ValueError if it reads states, and pairs of this schema lack them; before any work."""

    def require_trainable(self, schema: PairSchema) -> None:
        """Raise a ValueError if it can't learn from pairs of this schema as it is."""
        self.require_shape(schema.shape)
        self.require_states(schema)
