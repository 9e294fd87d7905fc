"""The command line as a page repeats it."""

import sys

# They change what is printed, and nothing that is made.
_OF_THE_TERMINAL = ("--json", "-q", "--quiet", "-v", "-vv", "--verbose")


def typed_words() -> list[str]:
    """What was typed after `kdm`, without options that only change what is printed."""
    return [word for word in sys.argv[1:] if word not in _OF_THE_TERMINAL]
