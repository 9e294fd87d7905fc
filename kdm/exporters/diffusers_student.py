"""A student as a diffusers folder, once its code gives what `generate` does."""

from collections.abc import Mapping
from typing import Any

from kdm.exporters.diffusers_folder import diffusers_files
from kdm.exporters.parity import difference
from kdm.exporters.plain_code import plain_code
from kdm.exporters.traced import traced
from kdm.students.student import Student
from storage.exporters.picture_bytes import rounding_of
from storage.records import PairSchema


def student_files(
    student: Student, schema: PairSchema, facts: Mapping[str, Any]
) -> tuple[dict[str, bytes], float]:
    """Files by name, and how far the code's samples are from the student's, over their range.

    `facts` are those of files for other programs, with the student's name as `student`. Raises a ValueError
    if the student can't be exported, or if the samples are too far away.
    """
    code = plain_code(traced(student, schema))
    apart = difference(student, code.called, schema, rounding="none")
    others = {name: value for name, value in facts.items() if name != "student"}
    rounding = rounding_of(schema) if len(schema.shape) == 3 else "none"
    # diffusers forbids a field and a part of the network of one name, and parts are called `student`.
    options = {"exported_from": facts["student"], **others, "rounding": rounding}
    return diffusers_files(code, options, what="student"), apart
