"""Masks stand beside the shards: stored once, checked, and never skipped in silence."""

import numpy as np
import pytest
from conftest import filled_store

from storage.errors import DamageError, MismatchError, StoreError
from storage.folders import Folder
from storage.masks import (
    Mask,
    decision_digest,
    read_audit,
    read_keep,
    read_scores,
    write_decision,
    write_scores,
)
from storage.store import PairStore

SCORE = "a" * 64
MASK = Mask(score=SCORE, decision=decision_digest(SCORE, 0.5))


def judge(store: PairStore) -> None:
    """Drop every pair whose index is a multiple of 10."""
    for content in store.content_digests(1000):
        rows = store.pairs(store.content_digests(1000).index(content), content).index
        keep = rows % 10 != 0
        audit = [{"index": int(index), "reason": "tenth"} for index in rows[~keep]]
        write_decision(store.base / "masks", MASK, content, keep=keep, audit=audit)


def test_masked_rows_are_never_read(home: Folder) -> None:
    store = filled_store(home)
    judge(store)
    loaded = store.load(1000, [MASK])
    assert (loaded.pairs.index % 10 != 0).all()
    assert (loaded.row_of_index[::10] == -1).all()
    assert len(loaded.pairs) == 899


def test_an_unjudged_shard_is_refused(home: Folder) -> None:
    store = filled_store(home)
    judge(store)
    filled_store(home, 2000)
    with pytest.raises(StoreError, match="run filter-pairs"):
        store.load(2000, [MASK])


def test_every_dropped_row_has_its_reason(home: Folder) -> None:
    store = filled_store(home)
    judge(store)
    rows = read_audit(store.base / "masks", MASK, store.content_digests(1000)[0])
    assert [row["index"] for row in rows] == list(range(0, 256, 10))
    assert {row["reason"] for row in rows} == {"tenth"}


def test_scores_are_stored_once_and_others_are_refused(home: Folder) -> None:
    scores = np.array([0.25, 1e-300, 3.0])
    write_scores(home, SCORE, "c", scores)
    write_scores(home, SCORE, "c", scores)
    assert np.array_equal(read_scores(home, SCORE, "c"), scores)
    with pytest.raises(MismatchError, match="not deterministic"):
        write_scores(home, SCORE, "c", scores + 1)


def test_a_mask_of_another_shard_is_found(home: Folder) -> None:
    store = filled_store(home)
    judge(store)
    first, second, *_ = store.content_digests(1000)
    folder = home / "train" / "wds-256" / "masks" / SCORE[:12] / "decisions" / MASK.decision[:12]
    folder.replace(f"{first}.json", folder.read(f"{second}.json"))
    with pytest.raises(DamageError, match="swapped"):
        read_keep(store.base / "masks", MASK, first, num_rows=255)


def test_the_threshold_is_part_of_the_decision_and_not_of_the_scores() -> None:
    assert decision_digest(SCORE, 0.5) != decision_digest(SCORE, 0.6)
