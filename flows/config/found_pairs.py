"""What a home knows of the pairs that a recipe names: by NAME, NAME-DIGEST, or the folder of any home."""

from collections.abc import Sequence
from typing import Any

from flows.home import bare, found
from kdm.differential_privacy import stated_in
from kdm.report.existing_card import front_of, licence_of
from pairgen.teachers.imported_name import default_name
from storage.digest import short
from storage.errors import MismatchError
from storage.folders import Folder
from storage.set_folder import splits_of
from storage.store import PairStore


def complete_pairs(document: dict[str, Any], home: Folder) -> None:
    """What a stored set says, into the document of a recipe that names one; its teacher is left out.

    A one-sentence ValueError or StoreError if the set isn't there, or is another one.
    """
    stated = document.get("pairs")
    if not isinstance(stated, dict) or stated.get("stored") is None:
        return
    folder = found(home.url, "pairs", str(stated["stored"]).rstrip("/"))
    if not folder.exists("spec.json"):
        raise ValueError(f"{folder.url} holds no set of pairs (no spec.json); see 'kdm pairs ls'")
    name = default_name(bare(folder.name))
    own = {"kind": "stored", "name": name, **_said_by(folder, stated.get("layout"))}
    if stated.get("spec") not in (None, own["spec"]):
        raise MismatchError(
            f"the recipe's pairs have spec {short(str(stated['spec']))}…, {folder.name} has "
            f"{short(own['spec'])}…; name that set, or leave out pairs.spec"
        )
    said = {key: each for key, each in stated.items() if key != "stored" and each is not None}
    document["pairs"] = {**own, **said}
    document["teacher"] = None


def _said_by(folder: Folder, layout: str | None) -> dict[str, Any]:
    places = splits_of(folder)
    layout = layout or _only_layout(folder, places)
    train = PairStore.open(folder, split="train", layout=layout)
    label, num_heldout = train.schema.label, 0
    claim = stated_in(front_of(folder))
    if f"heldout/{layout}" in places:
        num_heldout = _committed(PairStore.open(folder, split="heldout", layout=layout))
    return {
        "folder": folder.url,
        "spec": train.spec_digest,
        "shape": list(train.schema.shape),
        "label": label.model_dump(mode="json") if label else None,
        "train": _committed(train),
        "heldout": num_heldout,
        "layout": layout,
        "license": licence_of(folder),
        "differential_privacy": claim.model_dump() if claim else None,
    }


def _only_layout(folder: Folder, places: Sequence[str]) -> str:
    split_layouts = [place.split("/") for place in places]
    layouts = [layout for split, layout in split_layouts if split == "train"]
    if len(layouts) != 1:
        there = f"in {', '.join(layouts)}: choose one with --layout" if layouts else "not there"
        raise ValueError(f"the training pairs of {folder.url} are {there}")
    return layouts[0]


def _committed(store: PairStore) -> int:
    """Indices that its largest manifest covers."""
    covered = store.ledger.largest().num_shards * store.shard_size
    return covered if store.limit is None else min(covered, store.limit)
