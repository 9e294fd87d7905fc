"""Writes the frozen version-1 store of this folder: `python tests/golden/make_golden.py FOLDER`.

It was run once. The files that lie here are never written again: they must open for ever.
"""

import sys

import numpy as np

from storage.digest import digest_of, short
from storage.folders import Folder, folder_at
from storage.masks import (
    Mask,
    decision_digest,
    write_decision,
    write_decision_summary,
    write_filter,
    write_scores,
)
from storage.noise import derive_labels, derive_noise
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema
from storage.store import PairStore

LAYOUT = "wds-64"
NOISE, LABEL = NoiseRule(seed=2**64 - 1, scale=80.0), LabelRule(rule="uniform", num_classes=10)
SCHEMA = PairSchema(shape=(1, 2, 2), x_0_dtype="float16", noise=NOISE, label=LABEL)
SPEC = {
    "version": 1,
    "teacher": {"plugin": {"plugin": "none", "version": 1}, "weights": "0" * 64},
    "sampler": {"plugin": "none", "version": 1, "num_steps": 10},
    "pairs": SCHEMA.model_dump(mode="json"),
    "precision": "float32",
    "drop_at_write": [],
}
FILTER = {"filter": {"plugin": "none", "version": 1}, "reference": "1" * 64}
THRESHOLD = -60.0  # drops a few pairs of each split
INVALID = 70  # recorded as NaN in each split


def make(folder: Folder) -> None:
    """Two splits of two shards, one decision, one invalid pair a split."""
    for split, count in (("train", 128), ("heldout", 100)):
        store = PairStore.create(folder, SPEC, split=split, layout=LAYOUT)
        for shard in store.missing(count):
            index = store.indices(shard)
            dropped = {"nan": [INVALID]} if INVALID in index else {}
            pairs = made_pairs(split, index[index != INVALID])
            store.write(shard, pairs, dropped=dropped, environment={"device": "cpu"})
        store.commit(count)
        judge(store, count)


def made_pairs(split: str, index: np.ndarray) -> PairBatch:
    """x_0 = x_T / 80 with its values in reverse order, in float16."""
    x_T = derive_noise(NOISE, split, index, SCHEMA.shape)
    label = derive_labels(LABEL, seed=NOISE.seed, split=split, index=index)
    return PairBatch(index, x_T, (x_T[..., ::-1] / 80).astype(np.float16), label)


def judge(store: PairStore, count: int) -> None:
    """Score by the first value of x_T; a pair is kept when that is at least the threshold."""
    score = digest_of(FILTER)
    mask = Mask(score=score, decision=decision_digest(score, THRESHOLD))
    masks = store.base / "masks"
    write_filter(masks, score, FILTER)
    write_decision_summary(masks, mask, {"threshold": THRESHOLD, "fpr": None})
    for shard, content in enumerate(store.content_digests(count)):
        pairs = store.pairs(shard, content)
        scores = pairs.x_T[:, 0, 0, 0].astype(np.float64)
        keep = scores >= THRESHOLD
        write_scores(masks, score, content, scores)
        audit = [
            {"index": int(index), "score": float(value), "reason": "low"}
            for index, value in zip(pairs.index[~keep], scores[~keep], strict=True)
        ]
        write_decision(masks, mask, content, keep=keep, audit=audit)


if __name__ == "__main__":
    make(folder_at(sys.argv[1]) / f"golden-{short(digest_of(SPEC))}")
