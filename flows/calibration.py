"""A recipe's filter over its data set, and its threshold.

A threshold is stated in the recipe, or calibrated: the one that drops at most the share `fpr` of real
samples that no teacher saw.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.config.generated_pairs import FilterRecipe
from kdm.datasets import DataSet
from pairgen.filters.digests import NO_SAMPLES, reference_digest, score_digest, set_digest
from pairgen.filters.filter import Filter
from pairgen.filters.judge import Judge, fit_judge
from pairgen.filters.set_filter import SetFilter

# By score digest, held-out samples and rate: a command that first looks for what is missing, and then runs,
# calibrates once. The number only, because a fitted filter may hold a whole data set.
_calibrated: dict[tuple[str, str, float], float] = {}


class RecipeFilter:
    """A filter as the recipe chooses it; it is fitted when a score or a threshold is missing."""

    def __init__(
        self,
        choice: FilterRecipe,
        dataset: DataSet | None,
        contents: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """A set filter's scores rest on `contents` too, the digests of each split's shards in order."""
        self.choice, self.dataset, self._contents = choice, dataset, contents or {}

    @cached_property
    def reference(self) -> str:
        """The digest of what pairs are compared with: real samples, or for a set filter all pairs too."""
        chosen = self.choice.filter
        samples = reference_of(chosen, self.dataset)
        digest = None if samples is None else reference_digest(samples)
        if isinstance(chosen, SetFilter):
            return set_digest(self._contents, digest)
        return digest or reference_digest(NO_SAMPLES)

    @cached_property
    def score(self) -> str:
        """The digest of all that its scores depend on."""
        return score_digest(self.choice.filter, self.reference)

    @cached_property
    def judge(self) -> Judge:
        """The filter, fitted."""
        return fit_judge(self.choice.filter, reference_of(self.choice.filter, self.dataset))

    @cached_property
    def threshold(self) -> float:
        """As stated, else calibrated on the held-out samples; in the filter's own unit."""
        if self.choice.threshold is not None:
            return self.choice.threshold
        assert self.dataset is not None  # checked by the recipe
        heldout = self.dataset.heldout()
        key = (self.score, reference_digest(heldout), self.choice.fpr)
        if key not in _calibrated:
            _calibrated[key] = self.judge.calibrate(heldout, self.choice.fpr)
        return _calibrated[key]

    @property
    def num_calibrated_on(self) -> int | None:
        """Held-out samples that the threshold comes from; None if it is stated."""
        if self.choice.threshold is not None or self.dataset is None:
            return None
        return len(self.dataset.heldout())

    def heldout_scores(self) -> NDArray[np.float64]:
        """Scores [n] of the held-out samples, which the report draws beside the generated ones'."""
        if self.dataset is None:
            return np.empty(0)
        return self.judge.heldout_scores(self.dataset.heldout())


def reference_of(chosen: Filter, dataset: DataSet | None) -> NDArray[Any] | None:
    """The real samples [m, *shape] that a filter is fitted on; None if it needs none."""
    if not chosen.needs_reference:
        return None
    assert dataset is not None  # checked by the recipe
    return dataset.train()
