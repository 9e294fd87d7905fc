"""The options of a student's architecture: what a recipe names, and what builds it."""

from abc import ABC, abstractmethod
from typing import Literal

from kdm.students.late import Student
from storage.plugins import Plugin
from storage.records import PairSchema

GROUP = "kdm.students"


SamplingPrecision = Literal["float32", "bfloat16"]


class StudentPlugin(Plugin, ABC):
    """The options of one architecture."""

    @abstractmethod
    def build(self, schema: PairSchema) -> Student:
        """A student for pairs of this schema, with weights from torch's global generator."""

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where it cannot learn samples of this shape, or lacks a file for it."""
