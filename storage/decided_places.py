"""Which splits and layouts of a set a filter has decided on."""

from storage.folders import Folder
from storage.mask_documents import decisions_of
from storage.set_folder import splits_of


def decided_places(folder: Folder) -> list[str]:
    """SPLIT/LAYOUT of everything in a set that a filter has decided on."""
    return [place for place in splits_of(folder) if decisions_of(folder / place / "masks")]


def decided_elsewhere(folder: Folder) -> str:
    """'train/wds-256 has some', for a message about a place that has none."""
    places = decided_places(folder)
    return f"{' and '.join(places)} {'has one' if len(places) == 1 else 'have some'}"
