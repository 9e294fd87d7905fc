"""A recipe over a set that is there, as plain values: what trains or measures a student on it."""

from typing import Any

from flows.api.arguments import Named, place
from flows.api.pair_set import PairSet, open_pairs
from flows.home import bare
from pairgen.teachers.imported_name import default_name
from storage.decided_places import decided_places
from storage.folders import folder_at


def training_pairs(pairs: PairSet | Named, home: Named) -> PairSet:
    """The pairs that were given, or are named so; a ValueError unless they are a training split."""
    found = pairs if isinstance(pairs, PairSet) else open_pairs(place("pairs", pairs), home=home)
    if found.split != "train":
        raise ValueError(
            f"these are the '{found.split}' pairs of {found.name}; give its training split, which "
            "kdm.open_pairs opens by default: students learn from that, and its held-out pairs are found"
        )
    return found


def document_of(pairs: PairSet) -> dict[str, Any]:
    """Its pairs, by count, layout and the decisions of filters that they passed."""
    folder = folder_at(pairs.url)
    document: dict[str, Any] = {
        "name": default_name(bare(folder.name)),
        "title": f"The pairs {folder.name}",
        "pairs": {"stored": folder.url, "layout": pairs.layout, "train": pairs.num_indices},
    }
    if decided_places(folder):
        document["privacy"] = {"masks": list(pairs.masks)}
    return document
