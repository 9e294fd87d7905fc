"""Laws of the numbers of an audit, on sets whose answers are known."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from kdm.privacy.audit import audited
from kdm.privacy.audit_document import public_document
from kdm.privacy.closer_share import closer_share, near_share
from kdm.privacy.copying_test import Cells, copying, z_score
from kdm.privacy.duplicates import Duplicates, duplicates
from kdm.privacy.membership import MembershipTest
from kdm.privacy.mirrored_views import features
from kdm.privacy.neighbours import nearest
from kdm.privacy.public_numbers import dropped_steps, histogram, quantile
from kdm.privacy.real_samples import RealSamples
from kdm.privacy.subjects import CONTROL, PAIRS, STUDENT


def stream(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


def silent(*_: int) -> None:
    """No progress."""


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 8, 8)], ids=str)
def test_the_nearest_is_that_of_all_distances_over_both_views(shape: tuple[int, ...]) -> None:
    samples = stream(1).randn(8, *shape).astype(np.float32)
    reference = stream(2).randn(2500, *shape).astype(np.float32)
    samples[0], is_picture = reference[2400], len(shape) == 3
    if is_picture:
        samples[1] = reference[7][..., ::-1]
    shown = [samples, samples[..., ::-1]] if is_picture else [samples]
    apart = [each[:, None].astype(np.float64) - reference for each in shown]
    squares = np.min([(each**2).reshape(8, 2500, -1).mean(axis=2) for each in apart], axis=0)
    found = nearest(samples, reference, silent)
    np.testing.assert_allclose(found.distance, np.sqrt(squares.min(axis=1)), atol=1e-12)
    assert found.row.tolist() == squares.argmin(axis=1).tolist()
    assert (found.distance[0], found.row[0]) == (0, 2400)
    assert found.is_mirrored[:2].tolist() == [False, is_picture]


def test_bytes_are_looked_up_as_the_numbers_that_they_stand_for() -> None:
    pictures = stream().randint(0, 256, (300, 3, 8, 8)).astype(np.uint8)
    as_numbers = pictures.astype(np.float32) / np.float32(127.5) - 1
    found = nearest(as_numbers[:5], pictures, silent)
    assert found.row.tolist() == [*range(5)]
    assert found.distance.tolist() == [0] * 5


def test_the_share_of_closer_samples_is_half_by_chance_and_leaves_equal_ones_out() -> None:
    one, other = stream().rand(2, 4000)
    found = closer_share(one, other)
    assert found is not None
    assert found.low < 0.5 < found.high
    half = closer_share(np.array([0.0, 1, 1, 2]), np.array([1.0, 1, 1, 1]))
    assert half is not None
    assert half.value == 0.5
    assert closer_share(one, one) is None


def test_one_of_a_hundred_is_very_near_by_chance_and_every_copy_is() -> None:
    real = stream().permutation(1000) / 1.0
    none, copies = near_share(real, real), near_share(real // 100, real)
    assert none is not None
    assert copies is not None
    assert (none.value, copies.value) == (0.01, 1.0)
    assert near_share(real, real[:99]) is None


def test_the_z_score_is_mann_and_whitneys() -> None:
    these, others = stream(1).rand(40), stream(2).rand(60) + 0.1
    expected = mannwhitneyu(these, others, method="asymptotic", use_continuity=False)
    found = z_score(these, others)
    assert found < 0
    assert np.isclose(2 * float(_normal_tail(abs(found))), expected.pvalue)


def _normal_tail(z: float) -> float:
    from math import erfc, sqrt

    return erfc(z / sqrt(2)) / 2


def test_c_t_is_far_below_zero_of_copies_and_near_it_of_fresh_samples() -> None:
    training, fresh, real = stream().randn(3, 800, 2)
    cells = Cells(training, seed=0)
    distances = {
        name: (cells.of(points), nearest(points, training, silent).distance)
        for name, points in (("copies", training + 1e-3), ("fresh", fresh), ("real", real))
    }
    copies = copying(distances["copies"], distances["real"])
    none = copying(distances["fresh"], distances["real"])
    assert copies is not None
    assert none is not None
    assert copies.value < -5 < -3 < none.value < 3
    few = (distances["real"][0][:19], distances["real"][1][:19])
    assert copying(distances["copies"], few) is None


def test_delta_is_the_difference_of_two_unbiased_mmds() -> None:
    members, others, samples = stream().randn(3, 30, 4)
    test = MembershipTest(members, others, seed=0)
    kernel = test._kernel

    def mmd(x: np.ndarray, y: np.ndarray) -> float:
        own = [kernel(each, each) for each in (x, y)]
        within = sum((each.sum() - np.trace(each)) / (30 * 29) for each in own)
        return float(within - 2 * kernel(x, y).mean())

    expected = mmd(samples, others) - mmd(samples, members)
    found = test.of(samples)
    assert np.isclose(found.value, expected)
    assert found.low < found.value < found.high


def test_p_values_are_even_by_chance_and_small_of_copies() -> None:
    by_chance, of_copies = [], []
    for seed in range(12):
        members, others, samples = stream(seed).randn(3, 40, 3)
        test = MembershipTest(members, others, seed=seed)
        by_chance.append(test.of(samples).p_value)
        of_copies.append(test.of(np.repeat(members, 2, axis=0) + 0.01).p_value)
    assert 0.25 < np.mean(by_chance) < 0.75
    assert min(by_chance) > 0.005
    assert max(of_copies) <= 0.001  # 0.0005 is the smallest of 1,999 permutations
    with pytest.raises(ValueError, match="two sets of one size"):
        MembershipTest(members, others[:5], seed=0)


def test_near_duplicates_are_joined_over_steps_and_over_mirror_images() -> None:
    line = np.array([[0.0, 0], [5, 5], [0, 0.1], [9, 9], [0, 0.2], [5, 5]])
    found, cluster = duplicates(line, 0.08)
    assert found == Duplicates(2, 3, 5 / 6)
    assert cluster[0] == cluster[2] == cluster[4] != cluster[1] == cluster[5]
    picture = stream().rand(1, 3, 8, 8)
    assert duplicates(np.concatenate([picture, picture[..., ::-1]]), 0.01)[0].num == 1


def test_a_quantile_is_a_mean_of_twenty_and_there_is_none_of_fewer() -> None:
    scores = stream().permutation(200) / 1.0
    assert quantile(scores, 0.5) == 99.5
    assert quantile(scores, 0.05) == 9.5  # of the twenty smallest
    assert quantile(scores, 0.04) is None
    assert quantile(scores[:19], 0.5) is None


def test_every_bin_holds_twenty_and_neither_end_is_a_score() -> None:
    scores = np.abs(stream().randn(1003)) * 0.1 + 0.01
    bins = histogram(scores)
    assert sum(each.num for each in bins) == 1003
    assert min(each.num for each in bins) >= 20
    assert (bins[0].low, bins[-1].high) == (0, 1)
    assert [each.high for each in bins[:-1]] == [each.low for each in bins[1:]]
    assert histogram(scores[:19]) == []
    (only,) = histogram(np.zeros(25))
    assert only.num == 25


def test_pictures_are_reduced_to_means_of_their_parts() -> None:
    picture = np.arange(3 * 16 * 16, dtype=np.float64).reshape(1, 3, 16, 16)
    expected = picture.reshape(1, 3, 8, 2, 8, 2).mean(axis=(3, 5))
    assert np.allclose(features(picture), expected.reshape(1, -1))
    assert features(np.zeros((2, 1, 28, 28))).shape == (2, 64)
    assert np.array_equal(features(np.array([[1, 2.0]])), [[1, 2]])


def test_an_audit_of_pictures_sees_mirrored_copies_and_its_control_does_not() -> None:
    training, heldout = stream(3).randint(0, 256, (2, 120, 3, 8, 8)).astype(np.uint8)
    copies = np.repeat(training[:20], 5, axis=0)
    honest = stream(4).randint(0, 256, (100, 3, 8, 8)).astype(np.uint8)
    real = RealSamples.drawn(training, heldout, count=100, seed=0)
    done: list[tuple[int, int]] = []
    subjects = {STUDENT: copies[..., ::-1], PAIRS: honest}
    found = audited(subjects, real, seed=0, report=lambda *at: done.append(at))
    rows = public_document(found)["rows"]
    assert (found.rows[STUDENT].neighbours.distance == 0).all()
    assert found.rows[STUDENT].neighbours.row.tolist() == np.repeat(range(20), 5).tolist()
    assert rows[STUDENT]["duplicates"] == {"num": 20, "largest": 5, "share": 1.0}
    assert rows[CONTROL]["duplicates"]["num"] == 0
    assert rows[PAIRS]["closer"]["low"] < 0.5 < rows[PAIRS]["closer"]["high"]
    assert rows[STUDENT]["closer"]["low"] > 0.6  # half of the training set is looked at
    assert rows[STUDENT]["near"] is rows[PAIRS]["near"] is None  # of 60 held-out ones no hundredth
    assert rows[PAIRS]["membership"]["p_value"] > 0.05
    assert done[-1][0] == done[-1][1]


@pytest.mark.parametrize("drops", ["low", "high"])
def test_steps_count_what_a_threshold_drops_and_lie_twenty_samples_apart(drops: str) -> None:
    scores = np.random.RandomState(0).standard_normal(500)
    steps = dropped_steps(scores, drops)
    assert len(steps) > 5
    for threshold, num in steps:
        worse = scores < threshold if drops == "low" else scores > threshold
        assert num == worse.sum()
    assert np.diff([0, *(step.num for step in steps), 500]).min() >= 20
    assert dropped_steps(scores[:39], drops) == dropped_steps(np.empty(0), drops) == []


def test_steps_of_distances_do_not_depend_on_the_least_and_the_largest_score() -> None:
    scores = np.linspace(0.11, 0.9, 100)
    moved = np.concatenate([[0.011], scores[1:-1], [0.99]])
    assert dropped_steps(scores, "low") == dropped_steps(moved, "low") != []
