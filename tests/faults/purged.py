"""Two shards of 64 pairs that two decisions have judged, and a purge by the first of them."""

import numpy as np
from conftest import filled_store

from storage.care.purge import finish_purge
from storage.care.purge_journal import begin_purge
from storage.care.purge_plan import plan_purge
from storage.digest import digest_of
from storage.folders import Folder
from storage.masks import (
    Mask,
    decision_digest,
    write_decision,
    write_decision_summary,
    write_filter,
    write_scores,
)
from storage.set_folder import places
from storage.spec_file import read_spec
from storage.store import PairStore

COUNT = 128
PURGED = [0, 64]  # the first of each shard; index 7 was never stored
_ABOUT = {"filter": {"plugin": "first", "version": 1}, "reference": "0" * 64}
SCORE = digest_of(_ABOUT)
# A pair's score is its place in its shard: one decision drops the first pair, the other three.
THRESHOLDS = (0.5, 2.5)
MASK, OTHER = (Mask(score=SCORE, decision=decision_digest(SCORE, each)) for each in THRESHOLDS)


def judged_set(folder: Folder, layout: str = "wds-64") -> PairStore:
    """A set that both have judged."""
    store = filled_store(folder, COUNT, layout)
    judge(store)
    return store


def judge(store: PairStore) -> None:
    """Score every frozen shard and decide by both thresholds; what is there already stays."""
    masks = store.base / "masks"
    write_filter(masks, SCORE, _ABOUT)
    for mask, threshold in zip((MASK, OTHER), THRESHOLDS, strict=True):
        summary = {"filter": _ABOUT["filter"], "threshold": threshold, "fpr": None}
        write_decision_summary(masks, mask, summary)
    for shard, content in enumerate(store.ledger.largest().content_digests):
        index = store.columns(shard, content)["index"]
        scores = (index % store.shard_size).astype(np.float64)
        write_scores(masks, SCORE, content, scores)
        for mask, threshold in zip((MASK, OTHER), THRESHOLDS, strict=True):
            keep = scores > threshold
            audit = [
                {"index": int(each), "score": float(score), "reason": "first"}
                for each, score in zip(index[~keep], scores[~keep], strict=True)
            ]
            write_decision(masks, mask, content, keep=keep, audit=audit)


def stores_of(folder: Folder) -> list[PairStore]:
    """Every layout of the set, opened anew."""
    spec = read_spec(folder)
    return [PairStore(folder, split, layout, spec) for split, layout in places(folder)]


def purge(folder: Folder) -> list[PairStore]:
    """Purge the set, or go on with what was begun; its layouts, opened anew."""
    stores = stores_of(folder)
    if not stores[0].purges.is_unfinished:
        plan = plan_purge(stores, MASK)
        if plan.num_rows:
            begin_purge(folder, stores, plan)
    if stores_of(folder)[0].purges.is_unfinished:
        finish_purge(folder, stores)
    return stores_of(folder)
