"""Analyses of maps whose answer is known: a linear one, a steep ramp, operators of known spectrum."""

import numpy as np
import pytest

from kdm.analyze.analysis import Findings, Subject
from kdm.analyze.beside_teacher import BesideTeacher, share_found
from kdm.analyze.local_structure import LocalStructure, perturbed
from kdm.analyze.noise_semantics import NoiseSemantics, nearest_noise
from kdm.analyze.operator_spectrum import spectrum_numbers
from kdm.analyze.outlier_origin import OutlierOrigin, border_score, is_far
from kdm.analyze.roc import auc, roc
from kdm.analyze.steepness import steepness
from kdm.analyze.traversal import path_ratio, slerp, traversed
from kdm.analyze.unrelated import unrelated_square
from kdm.metrics.samples import EvaluationSamples

A = np.array([[2.0, 1.0], [0.0, 3.0]], np.float32)


def noise(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal((count, *shape)).astype(np.float32)


def linear(x_T: np.ndarray, label: object = None) -> np.ndarray:
    return (x_T.reshape(len(x_T), -1)[:, :2] @ A.T).reshape(len(x_T), 2)


def folded(x_T: np.ndarray, label: object = None) -> np.ndarray:
    """Two squares, left and right, with a steep ramp between them."""
    return np.stack([np.tanh(20 * x_T[:, 0]), 0.1 * x_T[:, 1]], axis=1).astype(np.float32)


def subject(student: object, teacher: object = linear, count: int = 500) -> Subject:
    x_T, x_0 = noise(count, 2), teacher(noise(count, 2))
    fresh = noise(count, 2, seed=1)
    samples = EvaluationSamples(
        x_T=x_T,
        x_0=x_0,
        x_0_hat=student(x_T),
        fresh_x_T=fresh,
        fresh_x_0_hat=student(fresh),
        reference=teacher(noise(count, 2, seed=2)),
        second_reference=teacher(noise(count, 2, seed=3)),
    )
    return Subject(samples, 1.0, student, teacher)


def test_a_linear_map_is_as_steep_as_its_matrix_everywhere() -> None:
    found = steepness(linear, noise(50, 2), step=0.1, num_directions=2)
    np.testing.assert_allclose(found, np.linalg.norm(A), rtol=1e-4)


def test_random_directions_estimate_the_same_steepness_in_many_coordinates() -> None:
    found = steepness(linear, noise(20, 1, 8, 8), step=0.1, num_directions=60, seed=1)
    assert np.mean(found**2) == pytest.approx(np.linalg.norm(A) ** 2, rel=0.1)


def test_a_steep_ramp_is_found_where_it_is() -> None:
    x_T = noise(400, 2)
    is_near = np.abs(x_T[:, 0]) < 0.05
    score = steepness(folded, x_T, step=0.01, num_directions=2)
    assert auc(score, is_near).value > 0.999


def test_unrelated_samples_of_a_gaussian_are_twice_its_variance_apart() -> None:
    x_0 = 3 * noise(20_000, 4)
    assert unrelated_square(x_0) == pytest.approx(2 * 4 * 9, rel=0.02)
    label = np.arange(20_000) % 2
    assert unrelated_square(x_0 + 100 * label[:, None], label) == pytest.approx(72, rel=0.02)
    with pytest.raises(ValueError, match="no two of one class"):
        unrelated_square(x_0[:2], np.array([0, 1]))


def test_the_area_under_a_roc_curve_is_known_in_three_cases() -> None:
    score, hits = np.arange(10.0), np.arange(10) >= 5
    assert auc(score, hits).value == 1.0
    assert auc(-score, hits).value == 0.0
    assert auc(np.zeros(10), hits).value == 0.5
    false, true = roc(score, hits)
    assert np.trapezoid(true, false) == 1.0


def test_the_area_is_that_of_scikit_learn_and_its_interval_covers() -> None:
    from sklearn.metrics import roc_auc_score

    draws, num_covered = np.random.RandomState(0), 0
    truth = 0.760  # Φ(1 / √2), of normal scores one standard deviation apart
    for _ in range(200):
        hits = np.arange(150) < 50
        found = auc(draws.standard_normal(150) + hits, hits)
        num_covered += found.low <= truth <= found.high
    score = draws.standard_normal(150).round(1)
    assert auc(score, hits).value == pytest.approx(roc_auc_score(hits, score))
    assert 184 <= num_covered <= 198


def test_a_roc_curve_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="0 of 5 samples"):
        auc(np.arange(5.0), np.zeros(5, np.bool_))


def test_slerp_keeps_to_the_sphere_and_ends_where_it_should() -> None:
    first, second = noise(6, 1, 4, 4), noise(6, 1, 4, 4, seed=1)
    first /= np.linalg.norm(first.reshape(6, -1), axis=1)[:, None, None, None]
    second /= np.linalg.norm(second.reshape(6, -1), axis=1)[:, None, None, None]
    for share in (0.0, 0.3, 1.0):
        length = np.linalg.norm(slerp(first, second, share).reshape(6, -1), axis=1)
        np.testing.assert_allclose(length, 1, rtol=1e-5)
    np.testing.assert_allclose(slerp(first, second, 0.0), first, atol=1e-6)
    np.testing.assert_allclose(slerp(first, second, 1.0), second, atol=1e-6)
    np.testing.assert_allclose(slerp(first, 2 * first, 0.5), 1.5 * first, rtol=1e-5)


def test_a_straight_path_has_ratio_one_and_a_half_circle_half_of_pi() -> None:
    straight = np.linspace(0, 1, 5)[:, None, None] * np.array([[3.0, 4.0]])
    assert path_ratio(straight)[0] == pytest.approx(1)
    angle = np.linspace(0, np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None]
    assert path_ratio(circle)[0] == pytest.approx(np.pi / 2, rel=1e-3)
    path = traversed(linear, noise(3, 2), noise(3, 2), None, num_steps=4)
    assert np.isnan(path_ratio(path)).all()  # it ends where it began


def test_perturbed_noise_of_pictures_has_mean_0_and_deviation_1_and_points_stay_at_sigma_0() -> (
    None
):
    x_T = 80 * noise(5, 1, 8, 8)
    moved = perturbed(x_T, 0.6, seed=0, scale=80).reshape(5, -1)
    np.testing.assert_allclose(moved.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(moved.std(1), 80, rtol=1e-4)
    again = perturbed(perturbed(x_T, 0.0, seed=0, scale=80), 0.0, seed=0, scale=80)
    np.testing.assert_allclose(again, perturbed(x_T, 0.0, seed=0, scale=80), rtol=1e-5)
    points = noise(5, 2)
    np.testing.assert_array_equal(perturbed(points, 0.0, seed=0), points)


def test_a_student_that_is_its_teacher_has_its_local_structure_and_its_meaning() -> None:
    found = LocalStructure().find(subject(linear))
    assert found.numbers["curve_gap"] == 0
    assert found.numbers["moves_alike"] == pytest.approx(1)
    assert found.arrays["student"][0] == 0
    assert (np.diff(found.arrays["student"]) > 0).all()
    meaning = NoiseSemantics().find(subject(linear))
    assert meaning.numbers == meaning.teacher
    assert meaning.numbers["neighbour_ratio"] < 0.05


def test_neighbours_of_shuffled_samples_are_as_far_as_unrelated_ones() -> None:
    x_T, x_0 = noise(4000, 2), linear(noise(4000, 2, seed=7))
    nearest = nearest_noise(x_T)
    ratio = ((x_0 - x_0[nearest]) ** 2).sum(1).mean() / unrelated_square(x_0)
    assert ratio == pytest.approx(1, abs=0.07)


def test_a_neighbour_is_of_the_same_class_and_never_oneself() -> None:
    label = np.arange(60) % 3
    nearest = nearest_noise(noise(60, 2), label)
    assert (label[nearest] == label).all()
    assert (nearest != np.arange(60)).all()


def test_the_spectrum_of_known_operators() -> None:
    turn = 0.5 * np.array([[0.0, -1.0], [1.0, 0.0]])  # λ = ±0.5 i
    numbers = spectrum_numbers(turn)
    assert numbers["spectral_radius"] == pytest.approx(0.5)
    assert numbers["departure"] == pytest.approx(0, abs=1e-7)
    assert numbers["effective_rank"] == pytest.approx(1)
    jordan = spectrum_numbers(
        np.array([[0.0, 1.0], [0.0, 0.0]])
    )  # nilpotent: as far from normal as can be
    assert jordan["departure"] == pytest.approx(1)
    assert jordan["effective_rank"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="is 0"):
        spectrum_numbers(np.zeros((3, 3)))


def test_outliers_at_a_border_are_found_by_steepness_and_not_by_tails() -> None:
    def regions(x_0: np.ndarray) -> np.ndarray:
        return np.where(np.abs(x_0[:, 0]) < 0.9, -1, (x_0[:, 0] > 0).astype(np.int64))

    of = subject(folded, folded, 2000)
    of = Subject(of.samples, 1.0, folded, folded, regions)
    numbers = OutlierOrigin(num_noises=2000).find(of).numbers
    assert numbers["auc_steepness"] > 0.99
    assert numbers["auc_border"] > 0.95
    assert numbers["auc_tail"] < 0.5
    assert numbers["inherited"] == 1
    score = border_score(of.samples.x_T, regions(of.samples.x_0))
    assert np.isfinite(score).all()


def test_one_in_a_hundred_of_the_teachers_own_samples_is_far_from_the_others() -> None:
    sets = noise(5000, 2, seed=1), noise(5000, 2, seed=2)
    assert is_far(noise(5000, 2, seed=3), None, sets, None, 0.99).mean() == pytest.approx(
        0.01, abs=0.005
    )
    assert is_far(10 + noise(50, 2), None, sets, None, 0.99).all()


def test_a_perfect_student_finds_its_own_sample_and_a_shuffled_one_does_not() -> None:
    x_0 = noise(300, 2)
    assert share_found(x_0, x_0) == 1
    assert share_found(x_0[::-1], x_0) == 0
    assert BesideTeacher().find(subject(linear)).numbers["own_over_unrelated"] == 0


def test_findings_are_read_as_they_were_packed_and_damage_is_noticed() -> None:
    found = Findings({"a": 1.5}, {"a": 0.0}, {"a": (1.0, 2.0)}, {"x": noise(3, 2)})
    data = found.packed()
    again = Findings.read(data)
    assert again is not None
    assert again.numbers == {"a": 1.5}
    np.testing.assert_array_equal(again.arrays["x"], found.arrays["x"])
    assert data == found.packed()
    assert Findings.read(data[:200]) is None
