"""What kdm-t makes of a batch: the samples that a critic looks at, and every term of its own loss."""

from collections.abc import Mapping
from typing import NamedTuple

from kdm.shapes import Samples, Scalar


class TimedTrace(NamedTuple):
    """A batch on its way through the student, samples (n, ...) over `data_scale`."""

    x_0: Samples
    x_pred: Samples | None  # x_0^ of x_T, in one evaluation
    own_terms: Mapping[str, Scalar]  # unweighted

    def terms(self) -> dict[str, Scalar]:
        """A copy, to which a critic's term may be added."""
        return dict(self.own_terms)
