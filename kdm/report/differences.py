"""Can two rows of the table of numbers be told apart? By the interval of their difference.

Students are measured on the same noise, so the chance that they share falls out of a difference:
with d_b, d'_b the deviations of two students on the same resample b, the spread of d_b − d'_b
remains. Their separate intervals may overlap by far although the difference is sure (Efron &
Tibshirani 1993, Ch. 8.3). Chance in training is another matter: it shows between seeds, and is
added in quadrature.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kdm.metrics.bootstrap import COVERAGE, spread
from kdm.metrics.metric import Meaning
from kdm.report.content import Numbers


class Interval(NamedTuple):
    """The range of a number, at 95 %."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value is inside or at an end."""
        return self.low <= value <= self.high

    def meets(self, other: "Interval") -> bool:
        """Whether a value is in both."""
        return self.low <= other.high and other.low <= self.high


def are_comparable(rows: Sequence[Numbers], name: str, meaning: Meaning) -> bool:
    """Whether all rows that have this number were resampled alike, over the same noise.

    Only then can their deviations be subtracted resample by resample.
    """
    there = [row for row in rows if name in row.values]
    noises = {row.drawn_on.get(meaning.measured_on) for row in there}
    lengths = {len(row.deviations.get(name, ())) for row in there}
    return len(noises) == len(lengths) == 1 and None not in noises and 0 not in lengths


def badness(value: float, meaning: Meaning) -> float:
    """How bad a number is: larger is worse, even if a higher number is better.

    A number that should be near 1 is as bad as its distance from 1.
    """
    return _sign(value, meaning) * (value - (meaning.better == "nearer 1"))


def _sign(value: float, meaning: Meaning) -> int:
    """+1 if a larger number is worse, −1 if it is better; if 1 is best, the side of 1 decides."""
    if meaning.better == "nearer 1":
        return 1 if value >= 1 else -1
    return -1 if meaning.better == "higher" else 1


def difference(
    one: Numbers, other: Numbers, name: str, *, meaning: Meaning, num_samples: int
) -> Interval:
    """The interval of one row's badness less the other's; both rows must be comparable.

    A paired bootstrap over samples. Fractions change by whole samples, so theirs is one sample wider
    either way (Edwards 1948). If a row is the mean of several seeds, the spread over seeds is added
    in quadrature: half² = (bootstrap's half)² + (seeds' half)².
    """
    values = [row.values[name] for row in (one, other)]
    turned = [
        _sign(value, meaning) * np.asarray(row.deviations[name])
        for value, row in zip(values, (one, other), strict=True)
    ]
    below, above = spread((turned[0] - turned[1]).tolist())
    value = badness(values[0], meaning) - badness(values[1], meaning)
    step = 1 / num_samples if meaning.is_fraction else 0.0
    half = seeds_half_width([row.by_seed.get(name, ()) for row in (one, other)])
    return Interval(
        value - math.hypot(min(below, 0.0) - step, half),
        value + math.hypot(max(above, 0.0) + step, half),
    )


def seeds_half_width(groups: Sequence[Sequence[float]]) -> float:
    """Half the interval that the spread over seeds leaves the difference of two means: Student's t.

    With k values in g groups, s² = Σ (x − group's mean)² / (k − g) and t the quantile of k − g degrees:
    t · s · √(1/n_1 + 1/n_2). The spread is taken to be the same in both rows, so a row of a single training
    is held to the other's; with one training in each, nothing is known of it, and the answer is 0.
    """
    freedom = sum(max(len(values) - 1, 0) for values in groups)
    if not freedom:
        return 0.0
    from scipy.stats import t as students_t  # listing numbers need not wait for it

    squares = sum(float(np.var(values)) * len(values) for values in groups if len(values))
    error = math.sqrt(squares / freedom * sum(1 / max(len(values), 1) for values in groups))
    return float(students_t.ppf((1 + COVERAGE) / 2, freedom)) * error


def own_interval(row: Numbers, name: str, meaning: Meaning) -> Interval:
    """A row's badness by itself: its printed interval, else one by its deviations, else the number alone.

    For rows that aren't comparable; two such intervals may overlap although the students differ.
    """
    value, sign = row.values[name], _sign(row.values[name], meaning)
    below, above = spread(row.deviations.get(name) or (0.0,))
    low, high = row.intervals.get(name, (value + min(below, 0.0), value + max(above, 0.0)))
    one, other = (badness(value, meaning) + sign * (end - value) for end in (low, high))
    return Interval(min(one, other), max(one, other))
