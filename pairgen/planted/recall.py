"""What filters find of copies that were planted, and what they drop by mistake.

Thresholds come from one half of the held-out real pictures; the other half measures the false-positive
rate. Shares are k of n with Clopper and Pearson's exact 95 % interval. The ROC curve of a filter has all
planted copies as positives and the second half as negatives; a control whose scores are random must have an
area of one half.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdm.analyze.roc import auc, roc
from kdm.metrics.bootstrap import Estimate
from pairgen.filters.decisions import decide
from pairgen.filters.filter import Filter
from pairgen.filters.joint import joint_thresholds
from pairgen.filters.judge import threshold_at
from pairgen.filters.share import Share

Scores = NDArray[np.float64]
CONTROL = "random scores (control)"
TOGETHER = "all together"


@dataclass(frozen=True)
class Rule:
    """A filter and where its threshold comes from, as a recipe says it."""

    filter: Filter
    fpr: float = 0.01
    threshold: float | None = None  # stated: then nothing is calibrated
    jointly: bool = False  # the rate is that of all such filters together


@dataclass(frozen=True)
class Scored:
    """One filter's scores of everything that it was tried on."""

    name: str
    rule: Rule
    heldout: Scores  # of real pictures: the even rows calibrate, the odd ones measure
    planted: Mapping[str, Scores]  # by transform
    pairs: Scores  # of the set's own samples


@dataclass(frozen=True)
class Found:
    """What one filter, or all of them, drop."""

    name: str
    threshold: float | None  # none of all together, and of the control
    false_positives: Share
    recall: Mapping[str, Share]
    pairs: Share
    curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None  # false, true positives
    area: Estimate | None = None


@dataclass(frozen=True)
class Recall:
    """A trial's result: each filter, all together, and the control."""

    fpr: float  # the largest that was asked for
    found: tuple[Found, ...]


def recall_of(scored: Sequence[Scored], *, seed: int = 0) -> Recall:
    """What filters drop of everything, at the thresholds that their rules give; at least one filter."""
    thresholds = _thresholds(scored)
    drops = [_Drops.of(each, at) for each, at in zip(scored, thresholds, strict=True)]
    found = [
        _found(each.name, at, dropped, each)
        for each, at, dropped in zip(scored, thresholds, drops, strict=True)
    ]
    together = _found(TOGETHER, None, _Drops.any_of(drops), None)
    fpr = max(each.rule.fpr for each in scored)
    return Recall(fpr, (*found, together, _control(scored[0], fpr, seed)))


def mistakes(scored: Sequence[Scored]) -> Share:
    """What all of them together drop of the half that measures, at thresholds from the other half."""
    thresholds = zip(scored, _thresholds(scored), strict=True)
    return _share(_Drops.any_of([_Drops.of(each, at) for each, at in thresholds]).heldout)


def _thresholds(scored: Sequence[Scored]) -> list[float]:
    """One a filter: as stated, of all that share a rate, or by its own rate."""
    joint = [each for each in scored if each.rule.jointly and each.rule.threshold is None]
    shared: dict[str, float] = {}
    if joint:
        found = joint_thresholds(
            [each.rule.filter for each in joint],
            [each.heldout[::2] for each in joint],
            joint[0].rule.fpr,
        )
        shared = dict(zip([each.name for each in joint], found.thresholds, strict=True))
    return [_own(each) if each.name not in shared else shared[each.name] for each in scored]


def _own(scored: Scored) -> float:
    rule = scored.rule
    if rule.threshold is not None:
        return rule.threshold
    return threshold_at(rule.filter, scored.heldout[::2], rule.fpr)


@dataclass(frozen=True)
class _Drops:
    heldout: NDArray[np.bool_]
    planted: Mapping[str, NDArray[np.bool_]]
    pairs: NDArray[np.bool_]

    @classmethod
    def of(cls, scored: Scored, threshold: float) -> "_Drops":
        def dropped(scores: Scores) -> NDArray[np.bool_]:
            return ~decide(scored.rule.filter, scores, threshold).keep

        planted = {name: dropped(scores) for name, scores in scored.planted.items()}
        return cls(dropped(scored.heldout[1::2]), planted, dropped(scored.pairs))

    @classmethod
    def any_of(cls, drops: Sequence["_Drops"]) -> "_Drops":
        planted = {
            name: np.logical_or.reduce([each.planted[name] for each in drops])
            for name in drops[0].planted
        }
        heldout = np.logical_or.reduce([each.heldout for each in drops])
        return cls(heldout, planted, np.logical_or.reduce([each.pairs for each in drops]))


def _found(name: str, threshold: float | None, drops: _Drops, scored: Scored | None) -> Found:
    recall = {transform: _share(dropped) for transform, dropped in drops.planted.items()}
    found = Found(name, threshold, _share(drops.heldout), recall, _share(drops.pairs))
    if scored is None:
        return found
    sign = 1 if scored.rule.filter.drops == "high" else -1
    positives = sign * np.concatenate(list(scored.planted.values()))
    return _with_curve(found, positives, sign * scored.heldout[1::2])


def _control(like: Scored, fpr: float, seed: int) -> Found:
    """A filter that knows nothing: it drops what has a random number below the rate."""
    stream = np.random.RandomState(seed)
    heldout = stream.uniform(size=len(like.heldout) // 2)
    planted = {name: stream.uniform(size=len(scores)) for name, scores in like.planted.items()}
    pairs = stream.uniform(size=len(like.pairs))
    recall = {name: _share(scores < fpr) for name, scores in planted.items()}
    found = Found(CONTROL, None, _share(heldout < fpr), recall, _share(pairs < fpr))
    return _with_curve(found, np.concatenate(list(planted.values())), heldout)


def _with_curve(found: Found, positives: Scores, negatives: Scores) -> Found:
    scores = np.concatenate([positives, negatives])
    is_planted = np.arange(len(scores)) < len(positives)
    return Found(
        found.name,
        found.threshold,
        found.false_positives,
        found.recall,
        found.pairs,
        roc(scores, is_planted),
        auc(scores, is_planted),
    )


def _share(dropped: NDArray[np.bool_]) -> Share:
    return Share(int(np.count_nonzero(dropped)), len(dropped))
