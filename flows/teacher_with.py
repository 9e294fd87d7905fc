"""A home's teacher, found by the digest of its weights, which a set's spec and a student's options name."""

from kdm.trained import read_config
from storage.errors import DamageError
from storage.folders import Folder


def teacher_with(home: Folder, digest: str) -> Folder | None:
    """The folder below teachers/ whose config names weights of this sha256; None if none does."""
    teachers = home / "teachers"
    for name in teachers.names():
        try:
            config = read_config(teachers / name)
        except DamageError:
            continue  # it may be another teacher
        if config is not None and config["weights"]["sha256"] == digest:
            return teachers / name
    return None
