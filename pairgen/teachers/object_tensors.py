"""What an object must have to be a teacher, and the digest of its tensors."""

from itertools import chain

from kdm.export import safetensors_bytes
from pairgen.field import Teacher
from storage.digest import sha256_of

_TOLD = {"t_noise": "the time T of x_T", "noise_scale": "the standard deviation of x_T"}


def whole_teacher(teacher: object) -> Teacher:
    """The object; a ValueError unless its class derives from `Teacher` and it says what a sampler needs."""
    if not isinstance(teacher, Teacher):
        is_class = isinstance(teacher, type) and issubclass(teacher, Teacher)
        given = (
            f"the class {teacher.__name__}" if isinstance(teacher, type) else repr(type(teacher))
        )
        remedy = "give an object of it" if is_class else "derive its class from kdm.Teacher"
        raise ValueError(
            f"the teacher is {given}; it must be an object of a class that derives from kdm.Teacher, or "
            f"the name of a stored teacher: {remedy}"
        )
    for name, meaning in _TOLD.items():
        value = getattr(teacher, name, None)
        if not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(
                f"teacher {type(teacher).__name__} has {name} {value!r}; it must be a number above 0, "
                f"{meaning}"
            )
    version = getattr(type(teacher), "version", 1)
    if type(version) is not int or version < 1:
        raise ValueError(
            f"teacher {type(teacher).__name__} has version {version!r}; it must be a whole number from 1"
        )
    return teacher


def tensors_digest(teacher: Teacher) -> str | None:
    """sha256 of its parameters and buffers, by name, as safetensors; None if it doesn't have any."""
    tensors = dict(chain(teacher.named_parameters(), teacher.named_buffers()))
    return sha256_of(safetensors_bytes(tensors)) if tensors else None
