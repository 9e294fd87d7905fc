"""What a process prints, on a terminal or in a file whose encoding lacks some characters."""

import io
import sys


def replace_what_cannot_be_said() -> None:
    """From now on '?' replaces characters that the output can't encode, as '…' in ISO-8859-1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
