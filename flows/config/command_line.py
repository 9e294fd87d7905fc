"""A run as the line that a user would type to make it again."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from storage.options import Options

RECIPE_FILE = "recipe.yaml"


class Asked(Options):
    """What was asked for: a recipe's name or file, and what was laid over it."""

    recipe: str = ""  # empty: a home from before this was kept
    overrides: tuple[str, ...] = ()
    count: int | None = None
    students: tuple[str, ...] = ()  # those that were named; recipes do not list presets


@dataclass(frozen=True)
class Reproduction:
    """The line, and what it needs that it cannot bring along."""

    line: str
    notes: tuple[str, ...] = field(default=())


def command_line(command: str, asked: Asked, *, students: Collection[str] = (), home: str) -> str:
    """`kdm COMMAND RECIPE …`, quoted for a shell; `home` is left out where it is empty."""
    words = ["kdm", command, asked.recipe]
    words += ["--count", str(asked.count)] if asked.count is not None else []
    for flag, values in (("--set", asked.overrides), ("--student", students)):
        words += [word for value in values for word in (flag, value)]
    words += ["--home", home] if home else []
    return shlex.join(words)


def needs_of_place(document: dict[str, Any]) -> tuple[str, ...]:
    """Sentences about what a recipe reads and a command line does not carry."""
    dataset, teacher = document.get("dataset") or {}, document.get("teacher") or {}
    found = []
    if dataset.get("source"):
        found.append(f"It reads the real data at {dataset['source']}.")
    if teacher.get("stored"):
        found.append(f"It needs the stored teacher {teacher['stored']}.")
    if document["pairs"]["kind"] == "stored":
        found.append(f"It needs the stored pairs at {document['pairs']['folder']}.")
    if document["pairs"]["kind"] == "imported":
        found.append("It needs the file that the pairs were imported from.")
    return tuple(found)
