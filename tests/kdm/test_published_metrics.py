"""Formulas on given features: published libraries' numbers, and the laws that these don't show."""

import json
from pathlib import Path

import numpy as np
import pytest
from feature_sets import SETS, logits

from kdm.metrics.bootstrap import by_shares, resampled
from kdm.metrics.feature_rows import KeptRows
from kdm.metrics.frechet import FrechetTo, Moments, frechet_distance, moments_of
from kdm.metrics.frechet_extrapolated import extrapolated_frechet
from kdm.metrics.inception_score import inception_scores
from kdm.metrics.kernel_distance import kernel_distance
from kdm.metrics.neighbourhoods import neighbourhoods

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "metrics-v1.json").read_text())
close = pytest.approx


@pytest.mark.parametrize("name", ["many", "few", "flat", "copies"])
@pytest.mark.parametrize("library", ["clean-fid", "torch-fidelity", "torchmetrics"])
def test_the_frechet_distance_is_that_of_three_libraries(name, library):
    x, y = SETS[name]()
    found = frechet_distance(x, y)
    assert found == close(GOLDEN["frechet"][name][library], rel=1e-6)
    assert frechet_distance(moments_of(x), Moments(*moments_of(y))) == found


@pytest.mark.parametrize("library", ["clean-fid", "torch-fidelity", "torchmetrics"])
def test_the_kernel_distance_of_whole_sets_is_that_of_three_libraries(library):
    x, y = SETS["many"]()
    found = kernel_distance(x, y[: len(x)], num_subsets=2, subset_size=len(x)).value
    assert found == close(GOLDEN["kernel"]["whole"][library], rel=1e-9)


def test_the_kernel_distance_of_subsets_is_torch_fidelitys_and_turned_about_clean_fids():
    x, y = SETS["many"]()
    golden, options = GOLDEN["kernel"]["subsets"], {"num_subsets": 7, "subset_size": 50}
    assert kernel_distance(x, y, **options).value == close(golden["torch-fidelity"], rel=1e-9)
    # clean-fid draws of its second argument first.
    assert kernel_distance(y, x, **options).value == close(golden["clean-fid"], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "num", "splits"), [("one split", 200, 1), ("ten splits", 200, 10), ("uneven", 25, 10)]
)
def test_the_inception_score_is_torch_fidelitys(name, num, splits):
    found = inception_scores(softmax(logits(num)), num_splits=splits)
    golden = GOLDEN["inception"][name]["torch-fidelity"]
    assert [found.value, found.deviation] == close(golden, rel=1e-9)


def test_torchmetrics_cuts_25_pictures_into_nine_splits_where_ten_are_asked_for():
    import torch

    torch.manual_seed(2020)
    shuffled = softmax(logits(25))[torch.randperm(25).numpy()]
    parts = [shuffled[first : first + 3] for first in range(0, 25, 3)]
    scores = [inception_scores(part, num_splits=1).value for part in parts]
    golden = GOLDEN["inception"]["uneven"]["torchmetrics"]
    assert [np.mean(scores), np.std(scores, ddof=1)] == close(golden, rel=1e-6)
    assert len(scores) == 9


@pytest.mark.parametrize(("name", "k"), [("k 3", 3), ("k 5", 5)])
def test_shares_of_neighbourhoods_are_those_of_two_libraries(name, k):
    found = shares(*SETS["many"](), k)
    assert found == close(GOLDEN["neighbours"][name]["prdc"], rel=1e-9)
    of_two = {key: found[key] for key in ("precision", "recall")}  # computed in float32 there
    assert of_two == close(GOLDEN["neighbours"][name]["torch-fidelity"], rel=1e-6)


def test_copies_of_pictures_that_are_there_often_are_precise_but_not_for_prdc():
    found, golden = shares(*SETS["copies"](), 3), GOLDEN["neighbours"]["copies"]
    assert found["precision"] == golden["torch-fidelity"]["precision"] == 1
    assert golden["prdc"]["precision"] == 0
    assert (found["density"], found["coverage"]) == (0, 0)  # open balls, as prdc's


@pytest.mark.parametrize("most", [3, 10**6])
@pytest.mark.parametrize("name", ["many", "copies"])
def test_blocks_of_distances_change_no_neighbour(name, most, monkeypatch):
    whole = shares(*SETS[name](), 3)
    monkeypatch.setattr("kdm.metrics.squared_distances._ROWS", 7)
    monkeypatch.setattr("kdm.metrics.squared_distances._MOST", most)
    assert shares(*SETS[name](), 3) == whole


def test_neighbours_that_only_float64_tells_apart_are_told_apart():
    """Steps of 2^-20 about a thousand: float32 has no digits left for their squares."""
    line = 1_000 + np.cumsum(np.arange(1, 40))[:, None] * 2.0**-20
    y = np.hstack([line, np.zeros_like(line)])
    x = y + np.array([2.0**-21, 0])
    apart = ((x[:, None] - y) ** 2).sum(-1)
    radii = np.sort(((y[:, None] - y) ** 2).sum(-1), axis=1)[:, 2]
    found = neighbourhoods(x, y, num_neighbours=2)
    assert np.array_equal(found.precise, (apart <= radii).any(axis=1))
    assert np.array_equal(found.density, (apart < radii).sum(axis=1) / 2)


def test_rows_on_a_disk_give_the_numbers_of_the_same_rows_in_memory(tmp_path):
    x, y = (each.astype(np.float32) for each in SETS["many"]())
    np.save(tmp_path / "0.npy", x[:150])
    np.save(tmp_path / "1.npy", x[150:])
    kept = KeptRows([tmp_path / "0.npy", tmp_path / "1.npy"], 200, slice(0, 6))
    assert np.array_equal(kept[np.array([199, 3, 150])], x[[199, 3, 150]])
    assert frechet_distance(kept, y) == close(frechet_distance(x.astype(float), y), rel=1e-9)
    assert shares(kept, y, 3) == shares(x.astype(float), y.astype(float), 3)
    found = [extrapolated_frechet(each, FrechetTo(y), num_sizes=4).value for each in (kept, x)]
    assert found[0] == found[1]


def test_the_extrapolated_distance_has_no_bias_where_that_of_few_samples_does():
    """Truth is 0: both sets are of one normal distribution."""
    reference = FrechetTo(Moments(np.zeros(10), np.eye(10)))
    stream = np.random.RandomState(0)
    sets = [stream.standard_normal((400, 10)) for _ in range(40)]
    found = np.array([extrapolated_frechet(each, reference).value for each in sets])
    plain = np.array([reference(each) for each in sets])
    assert plain.mean() > 10 * plain.std() / 40**0.5
    assert abs(found.mean()) < 0.1 * plain.mean()


def test_the_extrapolated_distance_is_the_intercept_of_a_line_over_one_by_n():
    x, y = SETS["many"]()
    to_real = FrechetTo(y)
    sizes = np.linspace(20, 200, 4).astype(int)
    stream = np.random.RandomState(5)
    distances = [to_real(x[stream.permutation(200)[:size]]) for size in sizes]
    slope, intercept = np.polyfit(1 / sizes, distances, 1)
    found = extrapolated_frechet(x, to_real, num_sizes=4, seed=5)
    assert (found.value, found.slope) == close((intercept, slope), rel=1e-9)


@pytest.mark.parametrize("name", ["frechet", "kernel", "inception"])
def test_first_order_intervals_are_as_wide_as_those_of_resampling(name):
    stream = np.random.RandomState(0)
    x, y = stream.standard_normal((400, 4)) + 0.5, stream.standard_normal((400, 4))
    probabilities = softmax(2 * stream.standard_normal((400, 5)))
    to_real = FrechetTo(y)
    options = {"num_subsets": 1, "subset_size": 400}
    value, slopes, statistic = {
        "frechet": lambda: (to_real(x), to_real.shares(x), lambda rows: to_real(x[rows])),
        "kernel": lambda: (
            *kernel_distance(x, y, **options),
            lambda rows: kernel_distance(x[rows], y, **options).value,
        ),
        "inception": lambda: (
            inception_scores(probabilities, num_splits=1).value,
            inception_scores(probabilities, num_splits=1).shares,
            lambda rows: inception_scores(probabilities[rows], num_splits=1).value,
        ),
    }[name]()
    deviations = by_shares(value, slopes).deviations[:60]
    resamples = resampled(statistic, 400, num_resamples=60)
    assert np.std(deviations) == close(np.std(resamples), rel=0.05)
    assert np.corrcoef(deviations, resamples)[0, 1] > 0.97


def test_few_rows_are_refused_with_what_would_do():
    with pytest.raises(ValueError, match="at least 46"):
        extrapolated_frechet(np.zeros((20, 30)), FrechetTo(np.eye(30)))
    with pytest.raises(ValueError, match="num_splits to at most 4"):
        inception_scores(np.full((4, 2), 0.5))
    with pytest.raises(ValueError, match="num_neighbours to less than 3"):
        neighbourhoods(np.zeros((3, 2)), np.zeros((9, 2)), num_neighbours=3)
    with pytest.raises(ValueError, match="two samples"):
        kernel_distance(np.zeros((1, 2)), np.zeros((9, 2)))


def shares(x, y, k):
    found = neighbourhoods(x, y, num_neighbours=k)
    means = [each.mean() for each in (found.precise, found.recalled, found.density, found.covered)]
    return dict(zip(("precision", "recall", "density", "coverage"), means, strict=True))


def softmax(values):
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
