"""A student's pictures during training: the teacher's x_0 above the student's x_0^ of the same x_T.

The paper compares them in the same way (Figs. 6 to 9). Pairs come from the store: the teacher isn't
loaded.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from kdm.batch import Batch
from kdm.data import batch_of
from kdm.objective import Objective
from kdm.shapes import Samples
from kdm.students.student import Student
from kdm.training.inputs import PairsInput
from kdm.training.pictured_pairs import ROW, shown_pairs
from kdm.training.progress import Notice
from storage.errors import StoreError


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
        shown = shown_pairs(pairs)
    except StoreError as error:
        report(Notice(f"there will be no pictures during training: {error}"))
        return objective
    if shown is None:
        return objective
    batch = batch_of(shown, device)
    return replace(objective, draw=partial(side_by_side, student, batch))


def side_by_side(student: Student, pairs: Batch) -> Samples:
    """(2 n, C, H, W) of n pairs, n a multiple of 8: rows of 8 x_0, each above 8 x_0^ of the same noise."""
    made = student.generate(pairs.noise(), pairs.label)
    rows = [each.reshape(-1, ROW, *each.shape[1:]) for each in (pairs.x_0, made)]
    return torch.stack(rows, 1).flatten(0, 2)
