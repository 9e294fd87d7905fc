"""The decision that a reader takes where it names none: the only one there is, never one of several."""

from storage.digest import short
from storage.errors import MismatchError
from storage.fs import Folder
from storage.masks import Mask, read_decision_summary
from storage.verify_masks import decisions_of


def default_masks(masks: Folder) -> tuple[Mask, ...]:
    """The one decision over these shards, or none; `MismatchError` with the choices where there are more."""
    known = decisions_of(masks)
    if len(known) > 1:
        raise MismatchError(
            f"{masks.url} holds {len(known)} decisions, and no reader can know which is meant: "
            f"name one, or none at all; there are {choices(masks, known)}"
        )
    return tuple(known)


def choices(masks: Folder, known: list[Mask]) -> str:
    """Decisions with what tells them apart, for a message."""
    return "; ".join(_told(masks, mask) for mask in known)


def _told(masks: Folder, mask: Mask) -> str:
    summary = read_decision_summary(masks, mask)
    described = summary.get("filter")
    plugin = described.get("plugin", "filter") if isinstance(described, dict) else "filter"
    rate = "" if summary.get("fpr") is None else f", fpr {summary['fpr']:g}"
    return f"{short(mask.decision)} ({plugin}, threshold {summary['threshold']:.4g}{rate})"
