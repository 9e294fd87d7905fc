"""The class of students as a type, without torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from kdm.students.student import Student
else:
    Student = late_type("kdm.students.student", "Student")

__all__ = ["Student"]
