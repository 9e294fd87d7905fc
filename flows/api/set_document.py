"""A recipe over a set that is there, as plain values: what trains or measures a student on it."""

from typing import Any

from flows.api.pair_set import PairSet
from flows.home import bare
from pairgen.teachers.imported_name import default_name
from storage.decided_places import decided_places
from storage.folders import folder_at


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
