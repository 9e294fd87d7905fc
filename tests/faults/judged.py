"""Masks without a filter: the first pair of each shard is dropped."""

import numpy as np

from storage.digest import digest_of
from storage.masks import (
    Mask,
    decision_digest,
    write_decision,
    write_decision_summary,
    write_filter,
    write_scores,
)
from storage.store import PairStore

_ABOUT = {"filter": {"plugin": "first", "version": 1}, "reference": "0" * 64}
THRESHOLD = 0.5
SCORE = digest_of(_ABOUT)
MASK = Mask(score=SCORE, decision=decision_digest(SCORE, THRESHOLD))


def judge(store: PairStore) -> None:
    """Score and decide every frozen shard; what is there already stays."""
    masks = store.base / "masks"
    write_filter(masks, SCORE, _ABOUT)
    summary = {"filter": _ABOUT["filter"], "threshold": THRESHOLD, "fpr": None}
    write_decision_summary(masks, MASK, summary)
    manifest = store.ledger.largest()
    for shard, content in enumerate(manifest.content_digests):
        index = store.columns(shard, content)["index"]
        scores = np.arange(len(index), dtype=np.float64)
        write_scores(masks, SCORE, content, scores)
        audit = [{"index": int(first), "score": 0.0, "reason": "first"} for first in index[:1]]
        write_decision(masks, MASK, content, keep=scores > THRESHOLD, audit=audit)
