"""A reader that names no decision takes the only one there is, and never reads a judged set whole."""

import pytest
from conftest import filled_store

from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.masks import Mask, decision_digest, write_decision_summary
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

ORDER = Order(seed=0, count=100)
MASKS = [Mask(score="a" * 64, decision=decision_digest("a" * 64, each)) for each in (0.1, 0.2)]


@pytest.fixture
def store(home: Folder) -> PairStore:
    return filled_store(home / "set")


def decide(store: PairStore, mask: Mask, threshold: float) -> None:
    write_decision_summary(store.base / "masks", mask, {"threshold": threshold})


def test_without_a_decision_all_is_read_and_one_decision_is_taken(store: PairStore) -> None:
    assert PairReader(store, ORDER, 8).taken == ()
    decide(store, MASKS[0], 0.1)
    assert PairReader(store, ORDER, 8).taken == (MASKS[0],)


def test_of_two_decisions_none_is_taken_and_both_are_told(store: PairStore) -> None:
    decide(store, MASKS[0], 0.1)
    decide(store, MASKS[1], 0.2)
    with pytest.raises(MismatchError, match=r"2 decisions.*threshold 0\.\d\).*threshold 0\.\d\)"):
        PairReader(store, ORDER, 8)
    with pytest.raises(MismatchError, match=r"2 decisions"):
        store.load(100)
    assert len(store.load(100, masks=()).pairs) == 99  # index 7 was dropped at write


@pytest.mark.parametrize("other", ["wds-64", "zarr-256"])
def test_a_layout_without_a_decision_is_not_read_whole_where_another_has_one(
    store: PairStore, other: str
) -> None:
    decide(store, MASKS[0], 0.1)
    beside = filled_store(store.folder, layout=other)
    with pytest.raises(MismatchError, match=r"train/wds-256 has one: run filter-pairs on this one"):
        beside.load(100)
    assert PairReader(beside, ORDER, 8, masks=()).taken == ()


@pytest.mark.parametrize("part", ["decisions", "audit"])
def test_a_decision_whose_document_is_lost_is_damage_and_not_no_decision(
    store: PairStore, part: str
) -> None:
    place = store.base / "masks" / MASKS[0].score[:12] / part / MASKS[0].decision[:12]
    place.create(f"{'c' * 64}.json", b"{}")
    with pytest.raises(DamageError, match=r"decision\.json is missing; run filter-pairs again"):
        PairReader(store, ORDER, 8)
