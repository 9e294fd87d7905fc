"""Stage `filter-pairs`: score each shard once, decide by threshold; no teacher is asked."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from flows.progress import Meter
from flows.recipe import FilterRecipe
from flows.stages.cards import write_pairs_card
from flows.stages.counts import filter_counts
from flows.stages.reading import contents, open_split
from flows.stages.run import Run, StageResult
from flows.stages.stated_masks import stated_masks
from kdm.report.content import FilterCounts
from pairgen.filters.decisions import decide
from pairgen.filters.digests import reference_digest, score_digest
from pairgen.filters.judge import Judge, fit_judge
from storage.digest import digest_of
from storage.masks import (
    Mask,
    decision_digest,
    has_scores,
    judged,
    read_scores,
    write_decision,
    write_decision_summary,
    write_filter,
    write_scores,
)
from storage.plugins import describe
from storage.records import PairBatch
from storage.store import PairStore

STAGE = "filter-pairs"


def filter_pairs(run: Run, pairs: StageResult) -> StageResult:
    """Give every pair a score and a decision from every filter of the recipe.

    Without filters the recipe states by which decisions it reads, where there are some.
    """
    masks: list[Mask] = []
    was_missing = False
    if not run.recipe.filters:
        masks += stated_masks(run, pairs)
    for choice in run.recipe.filters:
        judging = _Judging(run, choice)
        masks.append(judging.mask)
        stores = [open_split(run, pairs, split) for split in run.recipe.splits]
        for store in stores:
            was_missing |= judging.cover(store)
        run.say(_said([filter_counts(each, judging.mask, contents(run, each)) for each in stores]))
    decided = {"masks": [mask.model_dump() for mask in masks], "of": pairs.digest}
    judged = replace(
        pairs,
        stage=STAGE,
        digest=digest_of(decided),
        state="done" if was_missing else "cached",
        facts={**pairs.facts, **decided},
    )
    write_pairs_card(run, judged)
    return judged


def _said(decided: Sequence[FilterCounts]) -> str:
    """'filter near-copy at threshold 0.0012 (false-positive rate 1.00%): 21 of 2,000 train masked'."""
    masked = [f"{each.judged - each.kept:,} of {each.judged:,} {each.split}" for each in decided]
    first = decided[0]
    return (
        f"filter {first.filter} at threshold {first.threshold:.6g} "
        f"(false-positive rate {first.stated_rate}): {' and '.join(masked)} pairs masked"
    )


def calibrated(run: Run, choice: FilterRecipe) -> tuple[Judge, float]:
    """The filter fitted on the data set, and where it cuts."""
    dataset = run.recipe.dataset
    assert dataset is not None  # a recipe with filters has a data set
    judge = fit_judge(choice.filter, dataset.train())
    if choice.threshold is not None:
        return judge, choice.threshold
    return judge, judge.calibrate(dataset.heldout(), choice.fpr)


def calibration_scores(run: Run, choice: FilterRecipe) -> NDArray[np.float64]:
    """Scores of the data set's held-out points, which a threshold is calibrated on."""
    dataset = run.recipe.dataset
    assert dataset is not None  # a recipe with filters has a data set
    heldout = dataset.heldout()
    index = np.arange(len(heldout), dtype=np.int64)
    points = PairBatch(index, np.zeros_like(heldout), heldout)
    return fit_judge(choice.filter, dataset.train()).score(points)


class _Judging:
    """One filter at one threshold; fitted only when a score or the threshold is missing."""

    def __init__(self, run: Run, choice: FilterRecipe) -> None:
        assert run.recipe.dataset is not None  # a recipe with filters has a data set
        self._run, self._choice = run, choice
        self._judge: Judge | None = None
        self._reference = reference_digest(run.recipe.dataset.train())
        score = score_digest(choice.filter, self._reference)
        self._threshold = choice.threshold
        if self._threshold is None:
            self._judge, self._threshold = calibrated(run, choice)
        self.mask = Mask(score=score, decision=decision_digest(score, self._threshold))

    def cover(self, store: PairStore) -> bool:
        """Score and decide what is missing in a split; whether anything was."""
        masks = store.base / "masks"
        there = judged(masks, self.mask)
        undecided = [
            (shard, content)
            for shard, content in enumerate(contents(self._run, store))
            if content not in there
        ]
        if undecided:
            self._run.begin(masks, f"judging {len(undecided)} shards")
            write_filter(masks, self.mask.score, self._description())
            write_decision_summary(masks, self.mask, self._summary())
        meter = Meter(self._run.report, STAGE, store.split, len(undecided), "shards")
        for done, (shard, content) in enumerate(undecided):
            meter.at(done)
            self._decide(store, shard, content)
        meter.at(len(undecided))
        return bool(undecided)

    def _decide(self, store: PairStore, shard: int, content: str) -> None:
        masks, pairs = store.base / "masks", store.pairs(shard, content)
        if not has_scores(masks, self.mask.score, content):
            write_scores(masks, self.mask.score, content, self._fitted().score(pairs))
        scores = read_scores(masks, self.mask.score, content)
        assert self._threshold is not None  # set at construction
        decisions = decide(self._choice.filter, scores, self._threshold)
        audit = [
            {"index": int(index), "score": float(score), "reason": str(reason)}
            for index, score, reason, keep in zip(
                pairs.index, scores, decisions.reason, decisions.keep, strict=True
            )
            if not keep
        ]
        write_decision(masks, self.mask, content, keep=decisions.keep, audit=audit)

    def _fitted(self) -> Judge:
        if self._judge is None:
            assert self._run.recipe.dataset is not None
            self._judge = fit_judge(self._choice.filter, self._run.recipe.dataset.train())
        return self._judge

    def _description(self) -> dict[str, object]:
        return {"filter": describe(self._choice.filter), "reference": self._reference}

    def _summary(self) -> dict[str, object]:
        dataset = self._run.recipe.dataset
        assert dataset is not None
        is_calibrated = self._choice.threshold is None
        return {
            "filter": describe(self._choice.filter),
            "threshold": self._threshold,
            "fpr": self._choice.fpr if is_calibrated else None,
            "calibrated_on": len(dataset.heldout()) if is_calibrated else None,
        }
