"""How far a student's samples are from the training set in the features of a classifier.

With h the features of a classifier of the set's own classes and d² the Fréchet distance (`frechet`):

    frechet               = d²(h(x_0^), h(training set)),
    frechet_over_teachers = d²(h(x_0^), h(training set)) / d²(h(teacher's), h(training set)).

The ratio is the number to compare: at 1 the student is as near to the data as its teacher, which no
student needs to beat. The formula is clean-fid's (Parmar et al. 2022) over another network's features,
so it isn't an FID, and it cannot be compared with numbers by another classifier.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate, bootstrap
from kdm.metrics.frechet import FrechetTo
from kdm.metrics.metric import EstimatedMetric, Meaning
from kdm.metrics.samples import EvaluationSamples

_LEAST = 1e-30  # a teacher that is the training set still leaves a finite ratio


class ClassifierFrechet(EstimatedMetric):
    """The Fréchet distance to the training set, and the same over the teacher's own."""

    plugin: ClassVar[str] = "classifier-frechet"
    needs: ClassVar[frozenset[str]] = frozenset({"classifier"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "frechet": Meaning(
            label="Fréchet distance",
            explanation="between samples and the training set, over the features of a classifier of "
            "its classes; small sets are further away, so held-out pictures compare only roughly",
            better="lower",
            measured_on="fresh",
        ),
        "frechet_over_teachers": Meaning(
            label="Fréchet over teacher’s",
            explanation="Fréchet distance over that of as many samples of the teacher; the "
            "teacher’s is one set of its samples over another",
            better="lower",
            measured_on="fresh",
        ),
    }

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """A squared distance between features, and a ratio."""
        assert samples.judged is not None  # what `needs` asks for
        fresh, teachers = samples.judged.fresh.features, samples.judged.reference.features
        to_real, label = FrechetTo(samples.judged.real.train.features), samples.fresh_label

        def ratio(rows: NDArray[np.int64]) -> float:
            # Row for row the two sets have nothing in common, so one draw resamples both.
            return to_real(fresh[rows]) / max(to_real(teachers[rows]), _LEAST)

        return {
            "frechet": _positive(
                bootstrap(lambda rows: to_real(fresh[rows]), len(fresh), label=label)
            ),
            "frechet_over_teachers": _positive(bootstrap(ratio, len(fresh), label=label)),
        }

    def real(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """The distance of held-out real pictures; if they are few it isn't a floor."""
        assert samples.judged is not None
        real = samples.judged.real
        if real.heldout is None:
            return {}
        features, to_real = real.heldout.features, FrechetTo(real.train.features)
        found = bootstrap(
            lambda rows: to_real(features[rows]), len(features), label=real.heldout_label
        )
        return {"frechet": _positive(found)}


def _positive(estimate: Estimate) -> Estimate:
    """A distance can't be below 0, even if the spread of resampled ones is wider."""
    return estimate._replace(low=max(estimate.low, 0.0))
