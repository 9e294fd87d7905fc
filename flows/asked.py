"""What a request asks for on top of a recipe's document: stored pairs, presets, overrides."""

from collections.abc import Collection, Iterable
from typing import Any

from flows.overrides import apply_override
from flows.stored_pairs import complete_pairs
from flows.stored_teacher import complete as complete_teacher
from kdm.students.presets import preset_names
from storage.fs import Folder

_STORED_PAIRS = "pairs.stored="


def lay_over(document: dict[str, Any], overrides: Iterable[str], students: Collection[str]) -> None:
    """Change the document in place, in the order in which things rest on one another.

    Pairs that are named take the place of the recipe's, all of them; a student that the recipe does
    not have may be a preset.
    """
    asked = list(overrides)
    if any(each.startswith(_STORED_PAIRS) for each in asked):
        _require_no_teacher(asked)
        document["pairs"] = {}
    _add_presets(document, students)
    for override in asked:
        apply_override(document, override)


def complete(document: dict[str, Any], home: Folder) -> None:
    """What the home says of stored pairs, or of a stored teacher, into the document."""
    complete_pairs(document, home)
    complete_teacher(document, home)


def _require_no_teacher(asked: list[str]) -> None:
    if any(each.startswith("teacher.") for each in asked):
        raise ValueError(
            "pairs are named, and they are made already: leave out what is said of a teacher, or "
            "leave out --pairs"
        )


def _add_presets(document: dict[str, Any], students: Collection[str]) -> None:
    listed = document.get("students") or []
    if not isinstance(listed, list):
        return  # it is refused with all other faults
    known = [each.get("name") for each in listed if isinstance(each, dict)]
    added = [name for name in students if name not in known and name in preset_names()]
    if added:
        document["students"] = [*listed, *({"name": name, "preset": name} for name in added)]
