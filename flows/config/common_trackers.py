"""`trackers` of a recipe's document: those of each of its trainings that doesn't name its own.

    trackers: [mlflow]
    → teacher: {training: {trackers: [mlflow]}}, students: [{training: {trackers: [mlflow]}}, …]

`--trackers mlflow,wandb` says the same.
"""

from collections.abc import Iterator
from typing import Any

from kdm.trackers.choice import known_trackers

_KEY = "trackers"


def expand_trackers(document: dict[str, Any]) -> None:
    """Change the document in place; a ValueError for trackers that there aren't, once for all trainings."""
    chosen = document.pop(_KEY, None)
    if chosen is None:
        return
    if isinstance(chosen, str):
        chosen = [each.strip() for each in chosen.split(",") if each.strip()]
    known_trackers(chosen)
    for each in _trained(document):
        training = each.setdefault("training", {})
        if isinstance(training, dict) and training.get(_KEY) is None:
            training[_KEY] = chosen


def _trained(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The teacher, if it's trained here, and all students."""
    teacher, students = document.get("teacher"), document.get("students")
    if isinstance(teacher, dict) and isinstance(teacher.get("training"), dict):
        yield teacher
    for each in students if isinstance(students, list) else ():
        if isinstance(each, dict):
            yield each
