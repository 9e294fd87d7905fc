"""What each metric measures, and the published teacher's numbers as a check of all of them."""

import numpy as np
import pytest
from published import CHECKERBOARD, published

from kdm.datasets.checkerboard import CheckerboardData, in_cells
from kdm.metrics.cells import Cells
from kdm.metrics.outliers import Outliers
from kdm.metrics.paired import Paired
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.sliced_wasserstein import SlicedWasserstein, sliced_distance

BOARD = CheckerboardData(num_train=2000).train()
CELL = 1 / 0.45  # side of a cell, data units


def landing(x_0_hat: np.ndarray, x_0: np.ndarray = BOARD) -> EvaluationSamples:
    """A student that takes the teacher's noise to x_0_hat."""
    return EvaluationSamples(x_0, x_0, x_0_hat, x_0, x_0_hat, x_0, x_0)


def test_a_dark_square_further_is_in_a_cell_but_not_in_the_same():
    start = BOARD[(np.abs(BOARD) < CELL).all(axis=1)]
    moved = (start - CELL * np.sign(start)).astype(np.float32)
    values = Cells().measure(landing(moved, start))
    assert values == {"in_cells": 1.0, "in_cells_fresh": 1.0, "same_cell": 0.0}


def test_cells_refuse_what_is_not_a_point():
    images = np.zeros((4, 3, 8, 8), np.float32)
    with pytest.raises(ValueError, match=r"needs points of shape \(2,\), got \(3, 8, 8\)"):
        Cells().measure(landing(images, images))


def test_one_wrong_landing_in_a_thousand_spoils_the_mean_alone():
    moved = BOARD.copy()
    moved[:2] += 3.0
    values = Paired().measure(landing(moved))
    assert values["paired_mse"] == pytest.approx(2 * 9 / 2000, rel=1e-6)
    assert values["paired_mse_trimmed"] == values["median_squared_error"] == 0.0


def test_the_median_is_of_the_whole_distance_and_the_mean_a_coordinate():
    values = Paired().measure(landing(BOARD + np.float32([3.0, 4.0])))
    assert values["median_squared_error"] == pytest.approx(25.0, rel=1e-5)
    assert values["paired_mse"] == pytest.approx(12.5, rel=1e-5)


def test_the_sliced_distance_of_a_shift_is_the_mean_of_its_projections():
    directions = SlicedWasserstein().directions(2)
    shift = np.float32([0.3, -0.4])
    expected = np.abs(directions @ shift).mean()
    assert sliced_distance(BOARD + shift, BOARD, directions=directions) == pytest.approx(
        expected, rel=1e-6
    )
    assert expected == pytest.approx(0.5 * 2 / np.pi, rel=0.05)  # mean |cos| over the circle


def test_the_directions_are_fixed_unit_vectors():
    directions = SlicedWasserstein().directions(3)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)
    assert np.array_equal(directions, SlicedWasserstein().directions(3))
    assert not np.isin(directions, SlicedWasserstein(seed=1).directions(3)).any()


@pytest.mark.parametrize("eps", [0.05, 0.15, 0.3])
def test_a_lone_point_is_what_dbscan_calls_noise(eps):
    from sklearn.cluster import DBSCAN  # brings all of scipy

    labels = DBSCAN(eps=eps, min_samples=5).fit(BOARD).labels_
    found = Outliers(eps=eps, max_zscore=100).find(BOARD)
    assert found.any()
    assert np.array_equal(found, labels == -1)


def test_a_far_cluster_is_an_outlier_though_none_of_it_is_alone():
    far = np.full((10, 2), 30.0, np.float32)
    found = Outliers(eps=1.0).find(np.concatenate([BOARD, far]))
    assert found[-10:].all()
    assert not found[:-10].any()


def test_points_that_are_all_alone_are_all_outliers():
    assert Outliers().find(np.float32([[0, 0], [1, 0], [0, 1]])).all()


def test_the_published_teacher_has_its_published_numbers():
    x_T, x_0 = np.load(published(CHECKERBOARD), mmap_mode="r")[[0, 9]]
    order = np.random.default_rng(123).permutation(50_000)
    sets = [x_0[order[first : first + 10_000]] for first in range(0, 50_000, 10_000)]
    outliers = [round(float(Outliers().find(points).mean()), 4) for points in sets]
    noise = x_T[:10_000]
    samples = EvaluationSamples(noise, sets[0], sets[0], noise, sets[0], sets[0], sets[1])
    assert round(float(in_cells(x_0).mean()), 4) == 0.9657
    assert Cells().floor(samples)["in_cells_fresh"] == 0.9672
    assert (outliers[0], outliers[1], min(outliers), max(outliers)) == (
        0.0036,
        0.0015,
        0.0014,
        0.0036,
    )
    assert SlicedWasserstein().floor(samples)["sw1_fresh"] == pytest.approx(0.055, abs=0.0006)
