"""Paths that look like a URL with a slip in it: refused, because they would make a folder called 's3:'."""

import re

# One slash after the colon, or a common protocol without slashes or without a colon.
_IN_USE = "file|s3a?|gs|gcs|https?|ftp|sftp|ssh|hdfs|abfss?|adl|az|memory|hf"
_SLIP = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*(?=:/(?!/))|(?i:{_IN_USE})(?=:(?!//)|//))(:/?|//)"
)


def require_whole_address(place: str) -> None:
    """Raise a ValueError if a path looks like a URL whose slashes or colon were mistyped, or can't be one."""
    if "\0" in place:
        raise ValueError("the place holds a character of code 0, which no path or URL can have")
    slip = _SLIP.match(place)
    if slip is None:
        return
    scheme = slip["scheme"]
    meant = (
        "file:///path, or the path alone" if scheme.lower() == "file" else f"{scheme}://bucket/kdm"
    )
    raise ValueError(
        f"the place begins with '{slip[0]}', which doesn't begin a URL; write {meant} (a folder of that "
        f"name is ./{slip[0]}…)"
    )
