"""A recipe's pairs that are made already: named by NAME, NAME-DIGEST, or the folder of any home.

Students learn from them as they are; no teacher is near, and nothing is written beside them unless
the recipe has filters, whose masks belong there.
"""

from typing import Any, Literal

from pydantic import Field

from flows.commands.find import bare, found
from flows.imported_pairs import Layout
from kdm.licences import UNKNOWN, Licence, said_by
from kdm.report.markdown import read_front_matter
from pairgen.teachers.imported_name import default_name
from storage.digest import digest_of, short
from storage.errors import MismatchError
from storage.fs import Folder
from storage.manifest import Digest
from storage.options import Options
from storage.records import LabelRule
from storage.sets import own_spec, splits_of
from storage.store import PairStore

_MAX_CARD_BYTES = 2**22


class StoredPairs(Options):
    """A set that is there; counts are the committed ones unless fewer are asked for."""

    kind: Literal["stored"]
    name: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    folder: str  # its URL; in no digest
    spec: Digest  # of the set's spec.json
    shape: tuple[int, ...]  # of one sample
    label: LabelRule | None = None  # null: its samples have no class
    train: int = Field(ge=1, le=10**10)
    heldout: int = Field(ge=0, le=10**10)  # 0: there are none, and nothing can be measured
    layout: Layout
    license: Licence = UNKNOWN  # as the set's card gives it


def complete_pairs(document: dict[str, Any], home: Folder) -> None:
    """What a stored set says, into the document of a recipe that names one; its teacher is left out.

    A ValueError or a StoreError of one sentence where there is no such set, or another is needed.
    """
    stated = document.get("pairs")
    if not isinstance(stated, dict) or stated.get("stored") is None:
        return
    folder = found(home.url, "pairs", str(stated["stored"]).rstrip("/"))
    if not folder.exists("spec.json"):
        raise ValueError(f"{folder.url} holds no set of pairs (no spec.json); see 'kdm pairs ls'")
    own = _said_by(folder, stated.get("layout"))
    if stated.get("spec") not in (None, own["spec"]):
        raise MismatchError(
            f"the recipe's pairs have spec {short(str(stated['spec']))}…, {folder.name} has "
            f"{short(own['spec'])}…; name that set, or leave out pairs.spec"
        )
    said = {key: each for key, each in stated.items() if key != "stored" and each is not None}
    document["pairs"] = {**own, **said}
    document["teacher"] = None


def _said_by(folder: Folder, layout: str | None) -> dict[str, Any]:
    layout = layout or _only_layout(folder)
    train = PairStore.open(folder, split="train", layout=layout)
    label = train.schema.label
    has_heldout = f"heldout/{layout}" in splits_of(folder)
    return {
        "kind": "stored",
        "name": default_name(bare(folder.name)),
        "folder": folder.url,
        "spec": digest_of(own_spec(folder)),
        "shape": list(train.schema.shape),
        "label": label.model_dump(mode="json") if label else None,
        "train": _committed(train),
        "heldout": _committed(PairStore.open(folder, split="heldout", layout=layout))
        if has_heldout
        else 0,
        "layout": layout,
        "license": _licence(folder),
    }


def _only_layout(folder: Folder) -> str:
    places = [place.split("/") for place in splits_of(folder)]
    layouts = [layout for split, layout in places if split == "train"]
    if len(layouts) != 1:
        there = f"in {', '.join(layouts)}: choose one with --layout" if layouts else "not there"
        raise ValueError(f"the training pairs of {folder.url} are {there}")
    return layouts[0]


def _committed(store: PairStore) -> int:
    """Indices that its largest manifest covers."""
    covered = store.ledger.largest().num_shards * store.shard_size
    return covered if store.limit is None else min(covered, store.limit)


def _licence(folder: Folder) -> str:
    if not folder.exists("card.md"):
        return UNKNOWN
    text = folder.read("card.md", at_most=_MAX_CARD_BYTES).decode(errors="replace")
    return said_by(read_front_matter(text))
