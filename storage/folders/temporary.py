"""Names of temporary files: each states its writer, so that a dead writer's files can be removed."""

import os
import platform
import re
import uuid
from pathlib import Path

_PREFIX = ".tmp-"
# As `temporary_name` makes them; other programs may use the same prefix for their own files.
_OURS = re.compile(rf"{re.escape(_PREFIX)}(.+)-([0-9]+)-[0-9a-f]{{32}}")


def temporary_name() -> str:
    """A name that states its writer's machine and process: only that machine can tell whether it lives."""
    return f"{_PREFIX}{platform.node()}-{os.getpid()}-{uuid.uuid4().hex}"


def is_temporary(name: str) -> bool:
    """Whether this is the name of a temporary file that one of our own writers made."""
    return _OURS.fullmatch(name) is not None


def is_abandoned(name: str) -> bool:
    """Whether this is a temporary file whose writer was on this machine and is dead."""
    match = _OURS.fullmatch(name)
    return (
        match is not None and match[1] == platform.node() and not Path("/proc", match[2]).exists()
    )
