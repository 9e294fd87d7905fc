"""A recipe's filter over its data set, and its threshold.

A threshold is stated in the recipe, or calibrated: the one that drops at most the share `fpr` of real
samples that no teacher saw. A data set that holds none out calibrates by its training samples, each judged
against the others (pairgen/filters/leave_one_out.py). Filters that share a rate are calibrated together
(pairgen/filters/joint.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.config.generated_pairs import FilterRecipe
from flows.heldout_scores import kept_scores
from kdm.datasets import DataSet
from pairgen.filters.digests import NO_SAMPLES, reference_digest, score_digest, set_digest
from pairgen.filters.filter import Filter
from pairgen.filters.joint import JointThresholds, joint_thresholds, share_dropped
from pairgen.filters.judge import Judge, fit_judge, threshold_at
from pairgen.filters.leave_one_out import MOST, VERSION, drawn_rows, left_out_scores
from pairgen.filters.set_filter import SetFilter
from pairgen.filters.share import Share
from storage.digest import digest_of
from storage.folders import Folder

# By score digest and held-out samples: a command that first looks for what is missing, and then runs, scores
# once. Scores only, because a fitted filter may hold a whole data set.
_scored: dict[tuple[str, str], NDArray[np.float64]] = {}


@dataclass(frozen=True)
class Calibration:
    """What a calibrated threshold drops of the samples that it comes from."""

    own: Share
    together: Share | None  # by all filters that share the rate; None of a filter that shares none
    leaves_one_out: bool  # each of them was judged against the rest of the reference; else held out


class RecipeFilter:
    """A filter as the recipe chooses it; it is fitted when a score or a threshold is missing."""

    def __init__(
        self,
        choice: FilterRecipe,
        dataset: DataSet | None,
        contents: Mapping[str, Sequence[str]] | None = None,
        *,
        home: Folder | None = None,
        together: Sequence[FilterRecipe] = (),
    ) -> None:
        """A set filter's scores rest on `contents` too, the digests of each split's shards in order.

        At the home, scores of held-out pictures are kept. `together` are all filters that share its rate.
        """
        self.choice, self.dataset, self._contents = choice, dataset, contents or {}
        self._home, self._together = home, together

    @cached_property
    def reference(self) -> str:
        """The digest of what pairs are compared with: real samples, or for a set filter all pairs too."""
        if isinstance(self.choice.filter, SetFilter):
            samples = reference_of(self.choice.filter, self.dataset)
            return set_digest(self._contents, None if samples is None else self._own_reference)
        return self._own_reference

    @cached_property
    def _own_reference(self) -> str:
        """The digest of the real samples that it's fitted on, or of none."""
        samples = reference_of(self.choice.filter, self.dataset)
        return reference_digest(NO_SAMPLES if samples is None else samples)

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
        if self._joint is not None:
            return self._joint.thresholds[self._together.index(self.choice)]
        scores = self.heldout_scores()
        if not len(scores):
            raise ValueError(
                f"filter '{self.choice.filter.plugin}' can't be calibrated without held-out samples"
            )
        return threshold_at(self.choice.filter, scores, self.choice.fpr)

    @property
    def rate(self) -> float | None:
        """The share of held-out samples that it may drop by itself; None if the threshold is stated."""
        if self.choice.threshold is not None:
            return None
        return self.choice.fpr if self._joint is None else self._joint.rate

    @cached_property
    def _joint(self) -> JointThresholds | None:
        """The thresholds of all that share the rate; None of a filter that shares none."""
        if not (self.choice.jointly and self.choice in self._together):
            return None
        # One after another: a fitted filter may hold a whole data set.
        scores = [
            RecipeFilter(each, self.dataset, home=self._home).heldout_scores()
            for each in self._together
        ]
        return joint_thresholds([each.filter for each in self._together], scores, self.choice.fpr)

    @cached_property
    def calibration(self) -> Calibration | None:
        """What the calibrating samples say of the threshold; None if it is stated."""
        if self.choice.threshold is not None or self.dataset is None:
            return None
        own = share_dropped([self.choice.filter], [self.heldout_scores()], [self.threshold])
        return Calibration(
            own,
            None if self._joint is None else self._joint.dropped,
            leaves_one_out=not self.dataset.has_heldout,
        )

    def heldout_scores(self) -> NDArray[np.float64]:
        """Scores [n] of the samples that calibrate it, which the report draws beside the generated ones'."""
        dataset = self.dataset
        if dataset is None:
            return np.empty(0)
        key = (score_digest(self.choice.filter, self._own_reference), calibrating(dataset))

        def compute() -> NDArray[np.float64]:
            if dataset.has_heldout:
                return self.judge.heldout_scores(dataset.heldout())
            reference = dataset.train()
            return left_out_scores(self.choice.filter, reference, drawn_rows(reference))

        if key not in _scored:
            _scored[key] = self._scores(*key, compute)
        return _scored[key]

    def _scores(
        self, score: str, heldout: str, compute: Callable[[], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Computed, or of pictures, where that takes minutes, from the home."""
        if self._home is None or not self.choice.filter.needs_pictures:
            return compute()
        return kept_scores(self._home, score, heldout, compute)


def calibrating(dataset: DataSet) -> str:
    """The digest of the real samples that calibrate filters: those held out, or some of the reference."""
    if dataset.has_heldout:
        return reference_digest(dataset.heldout())
    reference = reference_digest(dataset.train())
    return digest_of({"left out of": reference, "version": VERSION, "most": MOST})


def reference_of(chosen: Filter, dataset: DataSet | None) -> NDArray[Any] | None:
    """The real samples [m, *shape] that a filter is fitted on; None if it needs none."""
    if not chosen.needs_reference:
        return None
    assert dataset is not None  # checked by the recipe
    return dataset.train()
