"""How a child tells its parent what happens, and leaves: JSON documents on standard output, one a line."""

import json
import os
import sys
from typing import Any, NoReturn


def say_line(line: dict[str, Any]) -> None:
    """Write one document; the parent reads it at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def leave(code: int) -> NoReturn:
    """End at once: torch takes a second to shut down, and nothing is left to be written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
