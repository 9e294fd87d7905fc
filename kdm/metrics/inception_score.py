"""The inception score: are pictures clear, and of many kinds? (Salimans et al. 2016, Sec. 4.)

With p(k | x) a classifier's probabilities and p̄ their mean over the n pictures of a split:

    IS = exp( (1/n) Σ_i KL_i ),   KL_i = Σ_k p(k | x_i) log(p(k | x_i) / p̄_k).

It is 1 if all pictures look the same to the classifier, and the number of classes at most. It never
looks at real pictures. As published it is the mean over ten splits, which are smaller than the set and
so score lower: name their number. ∂IS/∂(share of row i) is IS (KL_i − mean KL), since the terms that
come from p̄ cancel: by that a resample moves it, to first order.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import Estimate, by_shares
from kdm.metrics.feature_rows import Features
from kdm.metrics.metric import Meaning
from kdm.metrics.network_metric import InceptionMetric
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Sight

_LEAST = 1e-300  # a probability that is 0 adds 0 · log 0 = 0


class InceptionScore(InceptionMetric):
    """The score of samples from fresh noise, over Inception's 1,008 classes without their bias."""

    plugin: ClassVar[str] = "inception-score"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "inception_score": Meaning(
            label="IS",
            explanation="inception score: are samples clear to the classifier of ImageNet, and of many "
            "kinds; real pictures aren't looked at",
            better="higher",
            measured_on="fresh",
        )
    }

    num_splits: int = Field(10, ge=1)  # as published; fewer score higher
    seed: int = Field(2020, ge=0, le=2**32 - 1)  # of the shuffle; torch-fidelity's

    def require_samples(self, count: int, num_features: int) -> None:
        """A ValueError if a split would be empty."""
        _require_splits(count, self.num_splits)

    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """From 1 to the number of classes, of probabilities [n, classes]; `label` is [n]."""
        assert sight.probabilities is not None  # Inception has classes
        found = inception_scores(sight.probabilities, num_splits=self.num_splits, seed=self.seed)
        return {"inception_score": by_shares(found.value, found.shares, label)}


class InceptionScores(NamedTuple):
    """The mean over splits, its deviation between them, and what each row adds about the mean."""

    value: float
    deviation: float  # between splits, divided by their number, as published
    shares: NDArray[np.float64]  # [n]


def inception_scores(
    probabilities: Features, *, num_splits: int = 10, seed: int = 2020
) -> InceptionScores:
    """Of [n, classes], shuffled and split as torch-fidelity does; a ValueError for empty splits."""
    num = len(probabilities)
    _require_splits(num, num_splits)
    order = np.random.RandomState(seed).permutation(num)
    bounds = [split * num // num_splits for split in range(num_splits + 1)]
    scores, shares = [], np.zeros(num)
    for first, last in pairwise(bounds):
        rows = order[first:last]
        divergences = _divergences(probabilities[rows].astype(np.float64))
        score = float(np.exp(divergences.mean()))
        scores.append(score)
        weight = score * num / (num_splits * len(rows))
        shares[rows] = weight * (divergences - divergences.mean())
    return InceptionScores(float(np.mean(scores)), float(np.std(scores)), shares)


def _require_splits(count: int, num_splits: int) -> None:
    """A ValueError if a split of so many rows would be empty."""
    if count < num_splits:
        raise ValueError(
            f"{count:,} samples can't be split into {num_splits}; measure more of them, or set "
            f"num_splits to at most {count:,}"
        )


def _divergences(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """KL_i [n] of one split, [n, classes]."""
    logs = np.log(np.maximum(probabilities, _LEAST))
    mean = np.log(np.maximum(probabilities.mean(axis=0), _LEAST))
    divergences: NDArray[np.float64] = (probabilities * (logs - mean)).sum(axis=1)
    return divergences
