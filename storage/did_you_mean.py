"""A suggestion for a name that doesn't exist: the nearest one that does."""

import difflib


def nearest(name: str, known: list[str]) -> str:
    """'did you mean …?' if something is near, else the list of what is known."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(sorted(known)) or 'none'}"
