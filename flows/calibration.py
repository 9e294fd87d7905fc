"""A recipe's filter over its data set, and its threshold.

A threshold is stated in the recipe, or calibrated: the one that drops at most the share `fpr` of real
samples that no teacher saw.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flows.config.generated_pairs import FilterRecipe
from kdm.datasets import DataSet
from pairgen.filters.digests import reference_digest, score_digest
from pairgen.filters.judge import Judge, fit_judge

# By score digest, held-out samples and rate: a command that first looks for what is missing, and then runs,
# calibrates once. The number only, because a fitted filter may hold a whole data set.
_calibrated: dict[tuple[str, str, float], float] = {}


class RecipeFilter:
    """A filter as the recipe chooses it; it is fitted when a score or a threshold is missing."""

    def __init__(self, choice: FilterRecipe, dataset: DataSet | None) -> None:
        assert dataset is not None  # a recipe with filters has a data set
        self.choice, self.dataset = choice, dataset

    @cached_property
    def reference(self) -> str:
        """The digest of the real samples that generated ones are compared with."""
        return reference_digest(self.dataset.train())

    @cached_property
    def score(self) -> str:
        """The digest of all that its scores depend on."""
        return score_digest(self.choice.filter, self.reference)

    @cached_property
    def judge(self) -> Judge:
        """The filter, fitted."""
        return fit_judge(self.choice.filter, self.dataset.train())

    @cached_property
    def threshold(self) -> float:
        """As stated, else calibrated on the held-out samples; in the filter's own unit."""
        if self.choice.threshold is not None:
            return self.choice.threshold
        heldout = self.dataset.heldout()
        key = (self.score, reference_digest(heldout), self.choice.fpr)
        if key not in _calibrated:
            _calibrated[key] = self.judge.calibrate(heldout, self.choice.fpr)
        return _calibrated[key]

    @property
    def num_calibrated_on(self) -> int | None:
        """Held-out samples that the threshold comes from; None if it is stated."""
        return None if self.choice.threshold is not None else len(self.dataset.heldout())

    def heldout_scores(self) -> NDArray[np.float64]:
        """Scores [n] of the held-out samples, which the report draws beside the generated ones'."""
        return self.judge.heldout_scores(self.dataset.heldout())
