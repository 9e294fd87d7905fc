"""What a process prints, on a terminal or in a file whose encoding lacks some characters."""

import io
import sys


def replace_what_cannot_be_said() -> None:
    """From now on '?' stands for a character that the output's encoding lacks, as ISO-8859-1 lacks '…'."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
