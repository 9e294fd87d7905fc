"""The class `Teacher` as a type, for modules that must not import torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from pairgen.field import Teacher
else:
    Teacher = late_type("pairgen.field", "Teacher")

__all__ = ["Teacher"]
