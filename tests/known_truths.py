"""Evaluations whose truth is known, and how often their 95 % intervals hold it.

The truth of a number that depends on how many samples there are (a Fréchet distance falls with them, an
inception score rises) is its expectation at that number: the mean over many other evaluations.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from kdm.metrics.bootstrap import Estimate, bootstrap, by_shares, resampled_mean, share_of
from kdm.metrics.frechet import FrechetTo
from kdm.metrics.frechet_extrapolated import extrapolated_frechet
from kdm.metrics.inception_score import inception_scores
from kdm.metrics.kernel_distance import kernel_distance
from kdm.metrics.neighbourhoods import neighbourhoods
from kdm.metrics.precision_recall import neighbour_estimates

NUM_SAMPLES, NUM_FEATURES = 400, 8
Evaluation = Callable[[np.random.RandomState], dict[str, Estimate]]


class Covered(NamedTuple):
    """How often intervals held the truth, and the truth."""

    share: float
    truth: float


def covered(
    evaluate: Evaluation, *, num_evaluations: int, num_for_truth: int
) -> dict[str, Covered]:
    """By number: evaluations 0 … are tried, and the mean over others is the truth."""
    found = [evaluate(np.random.RandomState(seed)) for seed in range(num_evaluations)]
    others = [evaluate(np.random.RandomState(10**6 + seed)) for seed in range(num_for_truth)]
    truths = {name: float(np.mean([each[name].value for each in others])) for name in found[0]}
    return {
        name: Covered(
            float(np.mean([each[name].low <= truth <= each[name].high for each in found])), truth
        )
        for name, truth in truths.items()
    }


_REAL = np.random.RandomState(7).standard_normal((2_000, NUM_FEATURES)) * 1.1


def of_features(stream: np.random.RandomState) -> dict[str, Estimate]:
    """Over features: samples of a normal distribution that isn't the real pictures'."""
    x = stream.standard_normal((NUM_SAMPLES, NUM_FEATURES)) + 0.3
    to_real = FrechetTo(_REAL)
    plain, far = to_real.compared(x), extrapolated_frechet(x, to_real, num_sizes=8)
    kernel = kernel_distance(x, _REAL, num_subsets=20, subset_size=200)
    scores = inception_scores(softmax(2 * x, axis=1), num_splits=10)
    return {
        "fid": by_shares(plain.value, plain.shares),
        "fid_infinity": by_shares(far.value, far.shares),
        "kid": by_shares(kernel.value, kernel.shares),
        "inception_score": by_shares(scores.value, scores.shares),
    }


def of_neighbours(stream: np.random.RandomState) -> dict[str, Estimate]:
    """Of as many samples as real pictures, which stay."""
    x = stream.standard_normal((NUM_SAMPLES, NUM_FEATURES)) * 1.2 + 0.3
    return neighbour_estimates(neighbourhoods(x, _REAL[:NUM_SAMPLES], num_neighbours=3), None)


def of_rows(stream: np.random.RandomState) -> dict[str, Estimate]:
    """A mean of squared errors, which are skewed, and a share of classes, nearly all of them right."""
    errors, is_right = stream.gamma(1.5, 1, NUM_SAMPLES), stream.uniform(size=NUM_SAMPLES) < 0.97
    mean = bootstrap(lambda rows: float(errors[rows].mean()), NUM_SAMPLES)
    deviations = resampled_mean(is_right)
    return {"mean_error": mean, "class_share": share_of(is_right)._replace(deviations=deviations)}


EVALUATIONS: dict[str, Evaluation] = {
    "features": of_features,
    "neighbours": of_neighbours,
    "rows": of_rows,
}
