"""Pairs through the filters of `drop_at_write`, between the sampler and the writer.

A rejected pair is never written. What stays of it is its index, the filter, its score, the threshold and the
reason, so that every index of a shard is accounted for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pairgen.filters.decisions import decide
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge
from storage.digest import short
from storage.errors import MismatchError
from storage.records import PairBatch


def require_judges(rules: Sequence[DropRule], judges: Sequence[Judge]) -> None:
    """Raise MismatchError unless the judges are those of the rules, in their order."""
    wanted = [short(rule.score) for rule in rules]
    given = [short(judge.score_digest) for judge in judges]
    if wanted != given:
        raise MismatchError(
            f"the spec's drop_at_write has score digests {wanted}, the filters given have {given}; "
            "fit the spec's filters, in its order, on the reference that it names"
        )


def judged_pairs(
    rules: Sequence[DropRule], judges: Sequence[Judge], pairs: PairBatch
) -> tuple[PairBatch, dict[str, list[int]], list[dict[str, Any]]]:
    """The pairs that every rule keeps, the indices dropped by reason, and an audit row for each of these.

    Rules are applied in order, each to what those before it kept. Raises FilterError if a filter fails.
    """
    rejected: dict[str, list[int]] = {}
    audit: list[dict[str, Any]] = []
    for rule, judge in zip(rules, judges, strict=True):
        scores = judge.score(pairs)
        decisions = decide(rule.filter, scores, rule.threshold)
        for row in np.flatnonzero(~decisions.keep):
            reason = str(decisions.reason[row])
            rejected.setdefault(reason, []).append(int(pairs.index[row]))
            audit.append(_audit_row(rule, pairs, int(row), score=scores[row], reason=reason))
        pairs = pairs.take(decisions.keep)
    return pairs, rejected, audit


def _audit_row(
    rule: DropRule, pairs: PairBatch, row: int, *, score: float, reason: str
) -> dict[str, Any]:
    """What is stored of a rejected pair: why, but not its values."""
    return {
        "index": int(pairs.index[row]),
        "filter": rule.filter.plugin,
        "score_digest": rule.score,
        "decision_digest": rule.decision,
        "score": float(score),
        "threshold": rule.threshold,
        "reason": reason,
    }
