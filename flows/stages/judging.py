"""One filter at one threshold, over the shards of a set: what it scores and decides is kept as masks."""

import logging

from flows.calibration import RecipeFilter
from flows.documents.calibration_words import calibration_document
from flows.judged_pairs import contents
from flows.stage import Run
from flows.stages.claim import claimed
from flows.stages.shards_in_turn import ShardsInTurn
from pairgen.filters.decisions import decide
from pairgen.filters.digests import scored_with
from pairgen.filters.set_filter import SetFilter
from storage.digest import short
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
from storage.store import PairStore

_LOG = logging.getLogger(__name__)

STAGE = "filter-pairs"


class Judging:
    """One filter at one threshold, over the shards of a set."""

    def __init__(self, run: Run, chosen: RecipeFilter) -> None:
        self._run, self._chosen = run, chosen
        decision = decision_digest(chosen.score, chosen.threshold)
        self.mask = Mask(score=chosen.score, decision=decision)

    def cover(self, store: PairStore) -> bool:
        """Score and decide what is missing in a split; whether this run did anything."""
        undecided = self._undecided(store)
        decision = short(self.mask.decision)
        _LOG.info("%s: %d shards lack decision %s", store.base.url, len(undecided), decision)
        if not undecided:
            return False
        masks, what = store.base / "masks", f"judging {len(undecided)} shards"
        self._run.begin(masks, what)

        def is_there() -> bool:
            return not self._undecided(store)

        with claimed(store.folder, what, is_there=is_there, say=self._run.say) as has_work:
            if has_work:
                write_filter(masks, self.mask.score, self._description())
                write_decision_summary(masks, self.mask, self._summary())
                self._decide_all(store, self._undecided(store))
        return has_work

    def _undecided(self, store: PairStore) -> list[tuple[int, str]]:
        """Shards without this decision, each with its content."""
        there = judged(store.base / "masks", self.mask)
        numbered = enumerate(contents(self._run, store))
        return [(shard, content) for shard, content in numbered if content not in there]

    def _decide_all(self, store: PairStore, undecided: list[tuple[int, str]]) -> None:
        self._score_set(store)
        meter = self._run.meter(STAGE, store.split, len(undecided), "shards")
        for done, (shard, content) in enumerate(undecided):
            meter.at(done)
            self._decide(store, shard, content)
        meter.at(len(undecided))

    def _score_set(self, store: PairStore) -> None:
        """Score a whole split by a set filter, unless each of its shards has scores."""
        chosen, masks = self._chosen.choice.filter, store.base / "masks"
        covered = contents(self._run, store)
        if not isinstance(chosen, SetFilter) or all(
            has_scores(masks, self.mask.score, content) for content in covered
        ):
            return
        total = chosen.num_readings * len(covered)
        meter = self._run.meter(STAGE, store.split, total, "readings of shards")
        shards = ShardsInTurn(store, covered, meter)
        found = self._chosen.judge.score_all(shards)
        for content, scores in zip(covered, found, strict=True):
            write_scores(masks, self.mask.score, content, scores)
        meter.at(total)

    def _decide(self, store: PairStore, shard: int, content: str) -> None:
        masks, pairs = store.base / "masks", store.pairs(shard, content)
        if not has_scores(masks, self.mask.score, content):
            write_scores(masks, self.mask.score, content, self._chosen.judge.score(pairs))
        scores = read_scores(masks, self.mask.score, content)
        decisions = decide(self._chosen.choice.filter, scores, self._chosen.threshold)
        audit = [
            {"index": int(index), "score": float(score), "reason": str(reason)}
            for index, score, reason, keep in zip(
                pairs.index, scores, decisions.reason, decisions.keep, strict=True
            )
            if not keep
        ]
        write_decision(masks, self.mask, content, keep=decisions.keep, audit=audit)

    def _description(self) -> dict[str, object]:
        return scored_with(self._chosen.choice.filter, self._chosen.reference)

    def _summary(self) -> dict[str, object]:
        calibration = self._chosen.calibration
        return {
            "filter": describe(self._chosen.choice.filter),
            "threshold": self._chosen.threshold,
            "fpr": self._chosen.rate,
            "calibrated_on": None if calibration is None else calibration.own.of,
            **({"joint_fpr": self._chosen.choice.fpr} if self._chosen.choice.jointly else {}),
            **({} if calibration is None else calibration_document(calibration)),
        }
