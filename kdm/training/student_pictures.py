"""A student's pictures during training: the teacher's x_0 above the student's x_0^ of the same x_T.

The paper compares them in the same way (Figs. 6 to 9). Pairs come from the store: the teacher isn't
loaded.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.batch import Batch
from kdm.data import batch_of
from kdm.objective import Objective
from kdm.shapes import Samples
from kdm.students.student import Student
from kdm.training.inputs import PairsInput
from kdm.training.progress import Notice
from storage.errors import StoreError
from storage.folders import folder_at
from storage.masks import judged
from storage.records import PairBatch
from storage.set_folder import splits_of
from storage.store import PairStore

NUM_PAIRS = 32  # a picture
ROW = 8  # images side by side
_HELDOUT = "heldout"


def with_pictures(
    objective: Objective,
    pairs: PairsInput,
    device: torch.device,
    *,
    report: Callable[[Notice], None],
) -> Objective:
    """The objective of a student of pictures with a way to draw them; any other as it is.

    It always draws the same pairs: the first held-out ones, or, if the set lacks any that the
    student's masks have judged, the first that it trains on. If their shard is damaged, `report`
    gets a notice and training continues without pictures.
    """
    student = objective.model
    if not isinstance(student, Student) or len(pairs.pair_schema().shape) != 3:
        return objective
    try:
        shown = next(filter(len, _candidates(pairs)), None)
    except StoreError as error:
        report(Notice(f"there will be no pictures during training: {error}"))
        return objective
    if shown is None:
        return objective
    batch = batch_of(shown.take(_in_whole_rows(len(shown))), device)
    return replace(objective, draw=partial(side_by_side, student, batch))


def side_by_side(student: Student, pairs: Batch) -> Samples:
    """(2 n, C, H, W) of n pairs, n a multiple of 8: rows of 8 x_0, each above 8 x_0^ of the same noise."""
    made = student.generate(pairs.noise(), pairs.label)
    rows = [each.reshape(-1, ROW, *each.shape[1:]) for each in (pairs.x_0, made)]
    return torch.stack(rows, 1).flatten(0, 2)


def _candidates(pairs: PairsInput) -> Iterator[PairBatch]:
    """The pairs that masks keep of the first held-out shard, then of the first training shard."""
    folder = folder_at(pairs.url)
    if f"{_HELDOUT}/{pairs.layout}" in splits_of(folder):
        heldout = PairStore.open(folder, split=_HELDOUT, layout=pairs.layout)
        if _is_judged(heldout, pairs):
            yield heldout.load(len(heldout.indices(0)), pairs.taken).pairs
    own = PairStore.open(folder, split=pairs.split, layout=pairs.layout)
    yield own.load(min(pairs.count, own.shard_size), pairs.taken).pairs


def _is_judged(store: PairStore, pairs: PairsInput) -> bool:
    """Whether the first shard is frozen, and every mask has judged it."""
    if not store.ledger.sizes():
        return False
    first = store.ledger.largest().content_digests[0]
    return all(first in judged(store.base / "masks", mask) for mask in pairs.taken)


def _in_whole_rows(num_pairs: int) -> NDArray[np.int64]:
    """Which of the first 32 pairs are shown; fewer than 8 are repeated until a row is full."""
    num_shown = max(ROW, min(num_pairs, NUM_PAIRS) // ROW * ROW)
    return np.arange(num_shown) % num_pairs
