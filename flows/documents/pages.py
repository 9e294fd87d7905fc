"""Pages that show whether they're complete: a final comment holds the digest of everything before it."""

from storage.digest import sha256_of
from storage.folders import Folder

_HEAD, _TAIL = b"<!-- sha256 ", b" -->\n"


def write_page(folder: Folder, name: str, html: str) -> None:
    """Write a page, replacing the old one."""
    page = html.encode() + b"\n"
    folder.replace(name, page + _HEAD + sha256_of(page).encode() + _TAIL)


def is_whole(folder: Folder, name: str) -> bool:
    """Whether the page is exactly as `write_page` wrote it; otherwise it's cheap to make again."""
    if not folder.exists(name):
        return False
    page, _, end = folder.read(name).rpartition(_HEAD)
    return end == sha256_of(page).encode() + _TAIL
