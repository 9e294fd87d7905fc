"""Failed downloads in a file's place, recognised by their first bytes before any other fault."""

import re
from typing import Any, Final

_LENGTH = 512
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|\?xml)", re.IGNORECASE)
_POINTER: Final = b"version https://git-lfs.github.com/spec/"


def require_itself(head: bytes) -> None:
    """A ValueError if a file with this beginning is empty, a Git LFS pointer or a page."""
    start = head.removeprefix(b"\xef\xbb\xbf")[:_LENGTH]
    if not start:
        raise ValueError("it is empty; fetch the file again")
    if start.startswith(_POINTER):
        raise ValueError(
            "it is a Git LFS pointer, a few lines of text in place of the file; run 'git lfs pull' "
            "in its clone, or download the file itself"
        )
    if _PAGE.match(start):
        raise ValueError(
            "it is a web page, not the file; look at it in a browser, then download the file itself"
        )


def require_file_itself(file: Any) -> None:
    """`require_itself` of an open file, which is left at its first byte."""
    file.seek(0)
    require_itself(file.read(_LENGTH))
    file.seek(0)


def require_named_itself(head: bytes, place: str) -> None:
    """`require_itself`, with the place in the message."""
    try:
        require_itself(head)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
