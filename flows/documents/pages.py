"""Pages that tell whether they are whole: a comment at the end holds the digest of all before it."""

from storage.digest import sha256_of
from storage.fs import Folder

_HEAD, _TAIL = b"<!-- sha256 ", b" -->\n"


def write_page(folder: Folder, name: str, html: str) -> None:
    """Write a page in place of the one before."""
    page = html.encode() + b"\n"
    folder.replace(name, page + _HEAD + sha256_of(page).encode() + _TAIL)


def is_whole(folder: Folder, name: str) -> bool:
    """Whether the page is there as `write_page` wrote it; it is cheaply made anew where it is not."""
    if not folder.exists(name):
        return False
    page, _, end = folder.read(name).rpartition(_HEAD)
    return end == sha256_of(page).encode() + _TAIL
