"""Students that are finished, in a recipe's document: each becomes two, itself and what comes of it.

    students: [{name: kdm, …, finish: {num_steps: 300}}]
    → students: [{name: kdm, …}, {name: kdm-finished, …, finish: {num_steps: 300}, after: kdm}]

So both have names, numbers and rows of their own. A recipe's own `finish: distribution`, which is what
`--finish distribution` says, finishes every student that says nothing about it.
"""

from typing import Any

_KEY, _AFTER = "finish", "after"
SUFFIX = "-finished"


def expand_finishes(document: dict[str, Any]) -> None:
    """Change the document in place; what isn't a list of students is left to the recipe's validation."""
    for_all = document.pop(_KEY, None)
    listed = document.get("students")
    if isinstance(listed, list):
        document["students"] = [each for one in listed for each in _expanded(one, for_all)]


def _expanded(student: Any, for_all: Any) -> list[Any]:
    if not isinstance(student, dict) or student.get(_AFTER) is not None:
        return [student]
    own = student.get(_KEY, for_all)
    before = {key: value for key, value in student.items() if key not in (_KEY, _AFTER)}
    if own is None:
        return [before]
    finish = {"kind": own} if isinstance(own, str) else own
    name = before.get("name")
    return [before, {**before, "name": f"{name}{SUFFIX}", _KEY: finish, _AFTER: name}]
