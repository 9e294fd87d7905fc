"""Several distances added up: d = Σ_i w_i d_i; by default the published code's "BOTH", L2 + LPIPS."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from kdm.losses.distances import GROUP, L2, Distance
from kdm.losses.lpips import Lpips
from kdm.shapes import AnyNumber, Samples, Scalar
from storage.options import Options
from storage.plugins import Configured


class Part(Options):
    """One of the distances d_i, and its weight w_i."""

    distance: Annotated[Distance, Configured(GROUP)]  # d_i, a plugin and its options
    weight: float = Field(1.0, gt=0)  # w_i


class Sum(Distance):
    """Σ_i w_i d_i, over one part or more."""

    plugin = "sum"

    # What is added up.
    parts: tuple[Part, ...] = Field((Part(distance=L2()), Part(distance=Lpips())), min_length=1)

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError if one of the distances can't compare such samples."""
        for part in self.parts:
            part.distance.require_shape(shape, scale)

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """Σ_i w_i d_i(prediction, target)."""
        return self.distances([prediction], target)[0]

    def distances(self, predictions: Sequence[AnyNumber], target: Samples) -> list[Scalar]:
        """The sum for each prediction; each part sees the target once."""
        by_part = [part.distance.distances(predictions, target) for part in self.parts]
        weights = [part.weight for part in self.parts]
        return [_weighted(terms, weights) for terms in zip(*by_part, strict=True)]


def _weighted(terms: Sequence[Scalar], weights: Sequence[float]) -> Scalar:
    total = weights[0] * terms[0]
    for weight, term in zip(weights[1:], terms[1:], strict=True):
        total = total + weight * term
    return total
