"""What a parent and its generating child say to each other: one JSON document a line.

parent:  the work, then units, then the end of the stream
child:   {"did": samples}, {"say": sentence}, {"made": unit}, {"error": sentence, "kind": class}
"""

from typing import Any

from flows.generation.announcement import Announcement
from flows.generation.unit import MadeUnit
from storage.errors import InvalidPairsError, StoreError

# An error crosses as the nearest of these; all are the user's.
_KINDS: tuple[type[Exception], ...] = (InvalidPairsError, StoreError, ValueError)


def begun(work: dict[str, Any], announcement: Announcement | None) -> dict[str, Any]:
    """The parent's first line."""
    return {"work": work, "announcement": announcement and vars(announcement)}


def announced(line: dict[str, Any]) -> Announcement | None:
    """What the first line says of the costs that are to be announced."""
    return Announcement(**line["announcement"]) if line["announcement"] else None


def failed(error: Exception) -> dict[str, str]:
    """The child's last line before it ends with an error."""
    kind = next(each for each in _KINDS if isinstance(error, each))
    return {"error": str(error), "kind": kind.__name__}


def error_of(line: dict[str, Any]) -> Exception:
    """The error that a line tells of."""
    kinds = {each.__name__: each for each in _KINDS}
    return kinds.get(str(line.get("kind")), StoreError)(line["error"])


def made_unit(line: dict[str, Any]) -> MadeUnit | None:
    """The unit that a line says has ended."""
    return MadeUnit.read(line["made"]) if "made" in line else None
