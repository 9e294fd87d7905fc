"""Decisions of a filter: from stored scores and a threshold, without pairs, teacher or reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.fail_closed import fault, frozen, named, require_array, require_scores
from pairgen.filters.filter import Filter


@dataclass(frozen=True)
class Decisions:
    """keep bool [n]; reason text [n], empty if kept."""

    keep: NDArray[np.bool_]
    reason: NDArray[np.str_]


def decide(chosen: Filter, scores: NDArray[np.float64], threshold: float) -> Decisions:
    """Keep or drop, from stored scores alone; FilterError unless it decides every pair."""
    require_scores(chosen, scores, len(scores))
    with named(chosen):
        answer = chosen.decide(frozen(scores), threshold)
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise fault(chosen, "decided with something other than (keep, reason)")
    keep, reason = answer
    require_array(chosen, "keep", keep, "b", len(scores))
    require_array(chosen, "reason", reason, "U", len(scores))
    if (keep != (reason == "")).any():
        raise fault(chosen, "dropped a pair without a reason, or kept one with a reason")
    return Decisions(keep, reason)
