"""Does a sample show the requested class? A classifier of the real pictures answers.

With ŷ(x) = argmax_k p(k | x) the classifier's class, over m samples x_0^ of noise with label y:

    agreement = (1/m) Σ_i 1[ŷ(x_0^(i)) = y_i].

The classifier errs too, so real held-out pictures score its accuracy, not 1: read the number beside
that. A student that ignores its label scores about 1 / (number of classes).
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate, resampled_mean
from kdm.metrics.metric import EstimatedMetric, Meaning
from kdm.metrics.samples import EvaluationSamples

_NUMBER = "class_agreement"
_DEVIATIONS = 1.959964  # of the normal distribution, either way: 95 %


class ClassAgreement(EstimatedMetric):
    """The share of samples from fresh noise that the classifier takes for the requested class."""

    plugin: ClassVar[str] = "class-agreement"
    needs: ClassVar[frozenset[str]] = frozenset({"classifier", "labels"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        _NUMBER: Meaning(
            label="class agreement",
            explanation="samples that a classifier of the real pictures takes for the requested "
            "class; of held-out real pictures it is the classifier’s accuracy",
            better="higher",
            measured_on="fresh",
            is_fraction=True,
        )
    }

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """A fraction in [0, 1]."""
        assert samples.judged is not None  # what `needs` asks for
        assert samples.fresh_label is not None
        is_right = samples.judged.fresh.classes == samples.fresh_label
        found = resampled_mean(is_right, samples.fresh_label)
        return {_NUMBER: _share(is_right)._replace(deviations=found)}

    def real(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """The classifier's accuracy on real pictures that it never saw."""
        assert samples.judged is not None
        real = samples.judged.real
        if real.heldout is None or real.heldout_label is None:
            return {}
        return {_NUMBER: _share(real.heldout.classes == real.heldout_label)}


def _share(is_right: NDArray[np.bool_]) -> Estimate:
    """The share of True in bool [n], with Wilson's score interval (Wilson 1927).

    With z = 1.96: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n). A bootstrap wouldn't give an
    interval at all if every sample is right, and that can happen.
    """
    value, num, squared = float(is_right.mean()), len(is_right), _DEVIATIONS**2
    centre = (value + squared / (2 * num)) / (1 + squared / num)
    spread = math.sqrt(value * (1 - value) / num + squared / (4 * num**2))
    half = _DEVIATIONS * spread / (1 + squared / num)
    return Estimate(value, max(centre - half, 0.0), min(centre + half, 1.0))
