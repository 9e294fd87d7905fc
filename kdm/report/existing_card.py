"""What a card that is already there says: of a teacher, of pairs, of a student."""

from typing import Any

from kdm.licences import said_by
from kdm.report.markdown import read_front_matter
from storage.folders import Folder

CARD = "card.md"
_MAX_BYTES = 2**22


def front_of(folder: Folder) -> dict[str, Any]:
    """The front matter of a folder's card; empty without a card."""
    if not folder.exists(CARD):
        return {}
    return read_front_matter(folder.read(CARD, at_most=_MAX_BYTES).decode(errors="replace"))


def licence_of(folder: Folder) -> str:
    """The licence that the folder's card gives; 'unknown' without one."""
    return said_by(front_of(folder))
