"""Dropping at write: a filter that runs before pairs are stored, as part of what determines a set.

Its threshold is fixed beforehand, on real samples that were held out, so that no pair's fate depends on
another pair. Filter, reference and threshold give the two digests that masks are known by.
"""

from typing import Annotated, Self

from pydantic import model_validator

from pairgen.filters.digests import score_digest
from pairgen.filters.filter import Filter
from pairgen.filters.set_filter import require_pair_by_pair
from storage.digest import short
from storage.masks import decision_digest
from storage.options import Options
from storage.plugins import Configured
from storage.shard_record import Digest


class DropRule(Options):
    """A filter that runs between sampler and writer, for those who must never store a rejected pair.

    Filters usually run on stored pairs and leave masks, so that another threshold needs no new pairs.
    """

    filter: Annotated[Filter, Configured("pairgen.filters")]
    reference: Digest  # of the real samples that it is fitted on
    threshold: float
    score: Digest
    decision: Digest

    @classmethod
    def of(cls, chosen: Filter, *, reference: str, threshold: float) -> Self:
        """The rule with its digests worked out."""
        score = score_digest(chosen, reference)
        return cls(
            filter=chosen,
            reference=reference,
            threshold=threshold,
            score=score,
            decision=decision_digest(score, threshold),
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_pair_by_pair(self.filter)
        score = score_digest(self.filter, self.reference)
        decision = decision_digest(score, self.threshold)
        for name, given, right in [
            ("score", self.score, score),
            ("decision", self.decision, decision),
        ]:
            if given != right:
                raise ValueError(
                    f"{name} is {short(given)}…, but this filter, reference and threshold have "
                    f"{short(right)}…; make the rule with DropRule.of"
                )
        return self
