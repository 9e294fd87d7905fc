"""Filters' documents next to the shards, read and checked against their own digests."""

import re
from collections.abc import Mapping
from typing import Any

from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder
from storage.masks import MAX_BYTES, Mask, decision_digest

_DIGITS = "[0-9a-f]{12}"
# filter.json and decision.json say what was judged with, the others are of one shard each.
DOCUMENT = re.compile(
    rf"(?P<score>{_DIGITS})/(?P<part>filter|scores|(?:decisions|audit)/(?P<decision>{_DIGITS}))"
    r"(?:/(?P<content>[0-9a-f]{64}|decision))?\.json"
)


def decisions_of(masks: Folder) -> list[Mask]:
    """Every decision that was made over these shards; `DamageError` if one can't be read.

    One whose shards are decided and whose own document is lost is damaged; it isn't the same as no decision.
    """
    names = [
        f"{score}/decisions/{decision}/decision.json"
        for score in masks.names()
        for decision in _begun(masks / score)
    ]
    there = [name for name in names if DOCUMENT.fullmatch(name)]
    return [decision_in(read_document(masks, name), f"{masks.url}/{name}") for name in there]


def _begun(score: Folder) -> list[str]:
    """Decisions over these scores that have at least one file: their own document is written first."""
    places = [
        place / name for place in (score / "decisions", score / "audit") for name in place.names()
    ]
    return sorted(
        {place.name for place in places if any(name.endswith(".json") for name in place.names())}
    )


def read_document(masks: Folder, name: str) -> dict[str, Any]:
    """A document by its name below masks/; `DamageError` if it is missing or not as written."""
    where = f"{masks.url}/{name}"
    try:
        return unseal(masks.read(name, at_most=MAX_BYTES), where)
    except FileNotFoundError as error:
        raise DamageError(f"{where} is missing; run filter-pairs again") from error


def decision_in(document: Mapping[str, Any], where: str) -> Mask:
    """The decision that a document is of; `DamageError` if its digest isn't that of scores and threshold."""
    mask = Mask(score=str(document.get("score")), decision=str(document.get("decision")))
    threshold = document.get("threshold")
    if not isinstance(threshold, int | float) or mask.decision != decision_digest(
        mask.score, threshold
    ):
        raise DamageError(f"{where} is not the decision of its scores and threshold")
    return mask
