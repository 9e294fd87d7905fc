"""Students and their parts as types, without importing torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from kdm.losses.spectral import SpectralPenalties
    from kdm.operators import KoopmanOperator
    from kdm.students.student import Student
else:
    KoopmanOperator = late_type("kdm.operators", "KoopmanOperator")
    SpectralPenalties = late_type("kdm.losses.spectral", "SpectralPenalties")
    Student = late_type("kdm.students.student", "Student")

__all__ = ["KoopmanOperator", "SpectralPenalties", "Student"]
