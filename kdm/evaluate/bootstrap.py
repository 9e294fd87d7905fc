"""How sure a number of a sample is: the bootstrap (Efron & Tibshirani 1993, Ch. 13)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.int64]], float]  # of the rows that were drawn


class Estimate(NamedTuple):
    """A number, and the interval that its sampling noise leaves."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.low:.4g} … {self.high:.4g})"


def bootstrap(
    statistic: Statistic,
    num_rows: int,
    *,
    label: NDArray[np.int64] | None = None,
    coverage: float = 0.95,
    num_resamples: int = 200,
    seed: int = 0,
) -> Estimate:
    """The statistic of all rows, and an interval of it that covers `coverage`.

    Rows are resampled within each class of `label` ([num_rows]) where the sample has as many of each by
    design: else numbers of rows by class would vary, and with them a Fréchet distance.

    Statistics of resampled rows may lie off the value on the whole (a Fréchet distance grows as rows
    repeat), so the interval is their spread about their own mean, moved to the value.
    """
    stream = np.random.RandomState(np.random.Philox(key=np.array([seed, 0], np.uint64)))
    classes = [np.arange(num_rows)]
    if label is not None:
        classes = [np.flatnonzero(label == each) for each in np.unique(label)]

    def rows() -> NDArray[np.int64]:
        return np.concatenate([each[stream.randint(0, len(each), len(each))] for each in classes])

    drawn = [statistic(rows()) for _ in range(num_resamples)]
    value = statistic(np.arange(num_rows))
    tail = (1 - coverage) / 2
    below, above = np.quantile(np.array(drawn) - np.mean(drawn), [tail, 1 - tail])
    return Estimate(value, value + float(below), value + float(above))
