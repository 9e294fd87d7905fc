"""Which real samples calibrate a filter where none are held out, and that none of them sees itself."""

import numpy as np
import pytest
from random_textures import textures

from pairgen.filters.exact import Exact
from pairgen.filters.leave_one_out import MOST, drawn_rows, left_out_scores
from pairgen.filters.near_copy import NearCopy
from pairgen.filters.outlier import Outlier
from pairgen.filters.pixel_nn import PixelNN
from pairgen.filters.truncation import Truncation


def test_samples_are_drawn_once_by_the_reference_alone() -> None:
    points = np.random.RandomState(0).standard_normal((2 * MOST, 2)).astype(np.float32)
    rows = drawn_rows(points)
    assert len(set(rows.tolist())) == len(rows) == MOST
    assert np.array_equal(rows, drawn_rows(points.copy()))
    assert set(drawn_rows(points[:300]).tolist()) == set(range(300))


def test_pictures_that_are_there_twice_or_mirrored_are_not_drawn() -> None:
    pictures = textures(10, 0)
    reference = np.concatenate([pictures, pictures[2:3], pictures[5:6, :, :, ::-1]])
    assert sorted(drawn_rows(reference).tolist()) == [0, 1, 3, 4, 6, 7, 8, 9]


@pytest.mark.parametrize("reference", [np.zeros((0, 2)), np.ones((1, 2)), np.ones((9, 2))])
def test_a_reference_without_two_that_differ_calibrates_nothing(reference: np.ndarray) -> None:
    with pytest.raises(ValueError, match="there once, can't calibrate a filter: give more"):
        drawn_rows(reference)


@pytest.mark.parametrize("chosen", [NearCopy(), Outlier(), Exact(), PixelNN(num_neighbours=5)])
def test_no_picture_finds_itself_or_its_mirror_image(chosen: object) -> None:
    reference = textures(300, 0)  # blocks of three
    rows = drawn_rows(reference)[:40]
    scores = left_out_scores(chosen, reference, rows)
    assert scores.shape == (40,)
    assert (scores == 0).all() if isinstance(chosen, Exact) else (scores > 0.05).all()


def test_a_filter_without_reference_judges_the_samples_as_a_set() -> None:
    scores = left_out_scores(Truncation(), textures(20, 0), np.arange(10))
    assert sorted(scores) == pytest.approx(np.arange(10) / 10, abs=0.11)
