"""The checkerboard: geometry, and points that are a pure function of the seed."""

import numpy as np
import pytest
from published import CHECKERBOARD, published

from kdm.datasets.checkerboard import CheckerboardData, cell_of, in_cells
from storage.digest import sha256_of
from storage.options import parse

SMALL = CheckerboardData(num_train=4000, num_heldout=1000)


def test_every_point_lies_in_a_filled_cell():
    assert in_cells(SMALL.train()).all()
    assert in_cells(SMALL.heldout()).all()


def test_the_eight_cells_are_filled_evenly():
    _, counts = np.unique(cell_of(SMALL.train()), axis=0, return_counts=True)
    assert len(counts) == 8
    assert np.abs(counts - 500).max() < 5 * np.sqrt(500)  # five standard deviations


def test_a_split_is_a_pure_function_of_the_seed():
    again, other = CheckerboardData(num_train=4000), CheckerboardData(num_train=4000, seed=1)
    assert again.train().tobytes() == SMALL.train().tobytes()
    assert not np.isin(SMALL.train()[:, 0], other.train()[:, 0]).any()
    assert not np.isin(SMALL.train()[:, 0], SMALL.heldout()[:, 0]).any()


def test_a_larger_set_starts_with_the_smaller_one():
    assert np.array_equal(CheckerboardData(num_train=5000).train()[:4000], SMALL.train())


def test_the_stream_is_frozen():
    assert sha256_of(SMALL.train().tobytes())[:16] == "11a3d08072f6fe05"


@pytest.mark.parametrize(
    ("point", "is_inside"),
    [
        ((0.1, 0.1), True),
        ((-0.1, 0.1), False),
        ((-0.1, -0.1), True),
        ((4.4, 2.3), True),
        ((4.5, 2.3), False),
        ((0.1, -4.5), False),
    ],
)
def test_a_cell_is_filled_when_its_numbers_have_an_even_sum(point, is_inside):
    assert in_cells(np.array([point]))[0] == is_inside


def test_the_published_teacher_hits_the_same_cells():
    points = np.load(published(CHECKERBOARD), mmap_mode="r")[9]
    assert in_cells(points).mean() == pytest.approx(0.9657, abs=5e-5)


@pytest.mark.parametrize("change", [{"num_train": 1}, {"num_heldout": 1}, {"seed": 1}])
def test_every_option_changes_the_digest(change):
    assert SMALL.model_copy(update=change).digest() != SMALL.digest()


def test_a_data_set_is_read_by_its_kind():
    assert parse(CheckerboardData, SMALL.model_dump(mode="json"), "data set") == SMALL
    with pytest.raises(ValueError, match=r"kind: .*'checkerboard'"):
        parse(CheckerboardData, {"kind": "chequerboard"}, "data set")
