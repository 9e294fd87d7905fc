"""What a parent and its generating child say to each other: one JSON document a line.

parent:  the work, then units, then the end of the stream
child:   {"did": samples}, {"say": sentence}, {"made": unit}, or an error (flows/json_lines.py)
"""

from typing import Any

from flows.generation.unit import MadeUnit
from flows.generation.work import Announcement


def begun(work: dict[str, Any], announcement: Announcement | None) -> dict[str, Any]:
    """The parent's first line."""
    return {"work": work, "announcement": announcement and vars(announcement)}


def announced(line: dict[str, Any]) -> Announcement | None:
    """What the first line says of the costs that are to be announced."""
    return Announcement(**line["announcement"]) if line["announcement"] else None


def made_unit(line: dict[str, Any]) -> MadeUnit | None:
    """The unit that a line says has ended."""
    return MadeUnit.read(line["made"]) if "made" in line else None
