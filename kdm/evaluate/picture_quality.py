"""How good pictures of a labelled set's kind are: the right class, the right spread, and no copies.

Four numbers of samples of the requested classes y: the share that a classifier takes for y, the
Fréchet distance of its features to the training set's, and two quantiles q (the median and the
lowest 1 %) of the distance δ to the nearest training picture, each over the same of real held-out
pictures:

    q(δ(samples)) / q(δ(held-out)).

Near 1 samples are as far from the training pictures as real ones; far below they are copies.
Held-out sets are often small, which a Fréchet distance shows and the other numbers don't.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.datasets import DataSet
from kdm.evaluate.classifier import Classifier
from kdm.evaluate.nearest import nearest_distances
from kdm.metrics.bootstrap import Estimate, Statistic, bootstrap
from kdm.metrics.frechet import FrechetTo
from storage.records import as_numbers

_FEW = 0.01  # the share of samples nearest to the training set


class PictureQuality(NamedTuple):
    """Each number with its 95 % interval."""

    class_agreement: Estimate  # share that shows, to a classifier, the requested class
    frechet: Estimate  # distance of the classifier's features from the training set's
    median_distance: Estimate  # to the nearest training picture, over held-out real pictures' own
    low_distance: Estimate  # the same of the nearest 1 %


def picture_quality(
    samples: NDArray[Any],
    labels: NDArray[np.int64],
    dataset: DataSet,
    classifier: Classifier,
) -> PictureQuality:
    """Of samples [n, C, H, H], numbers of -1 … 1 or bytes, of classes `labels` [n]."""
    judged, real = classifier.judge(samples), classifier.judge(dataset.train())
    is_right = judged.classes == labels
    to_real = FrechetTo(real.features)
    train, heldout = as_numbers(dataset.train()), as_numbers(dataset.heldout())
    own = nearest_distances(heldout, train)
    distances = nearest_distances(as_numbers(samples), train)

    def ratio(rows: NDArray[np.int64], share: float) -> float:
        """A quantile of the resampled samples' distances over that of real pictures."""
        return float(np.quantile(distances[rows], share) / np.quantile(own, share))

    def sure(statistic: Statistic) -> Estimate:
        """The number with its interval, resampled within each class."""
        return bootstrap(statistic, len(samples), label=labels)

    return PictureQuality(
        sure(lambda rows: float(is_right[rows].mean())),
        sure(lambda rows: to_real(judged.features[rows])),
        sure(lambda rows: ratio(rows, 0.5)),
        sure(lambda rows: ratio(rows, _FEW)),
    )
