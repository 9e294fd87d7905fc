"""Does a sample show the requested class? A classifier of the real pictures answers.

With ŷ(x) = argmax_k p(k | x) the classifier's class, over m samples x_0^ of noise with label y:

    agreement = (1/m) Σ_i 1[ŷ(x_0^(i)) = y_i].

The classifier errs too, so real held-out pictures score its accuracy, not 1: read the number beside
that. A student that ignores its label scores about 1 / (number of classes).
"""

from collections.abc import Mapping
from typing import ClassVar

from kdm.metrics.bootstrap import Estimate, resampled_mean, share_of
from kdm.metrics.metric import EstimatedMetric, Meaning
from kdm.metrics.samples import EvaluationSamples

_NUMBER = "class_agreement"


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
        return {_NUMBER: share_of(is_right)._replace(deviations=found)}

    def real(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """The classifier's accuracy on real pictures that it never saw."""
        assert samples.judged is not None
        real = samples.judged.real
        if real.heldout is None or real.heldout_label is None:
            return {}
        return {_NUMBER: share_of(real.heldout.classes == real.heldout_label)}
