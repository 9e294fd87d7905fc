"""Which decisions of filters a reader applies: those that are named, else the only one there is.

Never one of several, and never every pair of a set that was judged: the user must ask for that.
"""

from collections.abc import Sequence

from storage.decided_places import decided_elsewhere, decided_places
from storage.digest import short
from storage.errors import MismatchError
from storage.folders import Folder
from storage.mask_documents import decisions_of
from storage.masks import Mask, read_decision_summary
from storage.set_folder import splits_of


def default_masks(folder: Folder, place: str) -> tuple[Mask, ...]:
    """The one decision over SPLIT/LAYOUT of a set; none if the set was never judged.

    `MismatchError` with the choices if there are several, or if only another split or layout
    has one.
    """
    known = decisions_of(folder / place / "masks")
    if len(known) > 1:
        raise MismatchError(
            f"{(folder / place).url} has {len(known)} decisions of filters, so name the "
            f"one to read by, or read every pair with masks=(); there are {choices(folder, place)}"
        )
    if not known and decided_places(folder):
        raise MismatchError(
            f"{(folder / place).url} has no filter decision, but {decided_elsewhere(folder)}: run "
            "filter-pairs on this one, or read every pair with --mask none (in Python masks=())"
        )
    return tuple(known)


def named_masks(folder: Folder, place: str, starts: Sequence[str]) -> tuple[Mask, ...]:
    """The decisions over SPLIT/LAYOUT that begin with these digits; a ValueError with the choices."""
    known = decisions_of(folder / place / "masks")
    return tuple(_named(folder, place, known, start) for start in starts)


def decision_of_set(folder: Folder, start: str) -> Mask:
    """The one decision in a set that begins with these digits; a ValueError with the choices."""
    known = {mask for place in splits_of(folder) for mask in decisions_of(folder / place / "masks")}
    matches = [mask for mask in known if start and mask.decision.startswith(start)]
    if len(matches) != 1:
        there = [f"{place}: {choices(folder, place)}" for place in splits_of(folder)]
        raise ValueError(
            f"'{start}' is the beginning of {len(matches)} decisions of filters over {folder.url}; there "
            f"are: {', '.join(there) or 'none'}"
        )
    return matches[0]


def choices(folder: Folder, place: str) -> str:
    """The decisions over SPLIT/LAYOUT with what tells them apart, for a message."""
    masks = folder / place / "masks"
    return "; ".join(_told(masks, mask) for mask in decisions_of(masks)) or "none"


def _named(folder: Folder, place: str, known: Sequence[Mask], start: str) -> Mask:
    matches = [mask for mask in known if mask.decision.startswith(start)]
    if len(matches) != 1:
        raise ValueError(
            f"'{start}' is the beginning of {len(matches)} decisions of filters over "
            f"{(folder / place).url}; there are: {choices(folder, place)}"
        )
    return matches[0]


def _told(masks: Folder, mask: Mask) -> str:
    summary = read_decision_summary(masks, mask)
    described = summary.get("filter")
    plugin = described.get("plugin", "filter") if isinstance(described, dict) else "filter"
    rate = "" if summary.get("fpr") is None else f", fpr {summary['fpr']:g}"
    return f"{short(mask.decision)} ({plugin}, threshold {summary['threshold']:.4g}{rate})"
