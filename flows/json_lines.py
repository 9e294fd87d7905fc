"""What a child says to its parent: one JSON document a line, and an error as {"error": …, "kind": …}."""

import json
import sys
from typing import Any

from storage.errors import InvalidPairsError, StoreError

# An error crosses as the nearest of these; all are the user's.
_KINDS: tuple[type[Exception], ...] = (InvalidPairsError, StoreError, ValueError)


def say_line(line: dict[str, Any]) -> None:
    """Write one document to standard output; the parent reads it at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def failed(error: Exception) -> dict[str, str]:
    """The child's last line before it ends with an error."""
    kind = next(each for each in _KINDS if isinstance(error, each))
    return {"error": str(error), "kind": kind.__name__}


def error_of(line: dict[str, Any]) -> Exception:
    """The error that a line tells of."""
    kinds = {each.__name__: each for each in _KINDS}
    return kinds.get(str(line.get("kind")), StoreError)(line["error"])
