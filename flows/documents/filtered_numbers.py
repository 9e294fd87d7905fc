"""What filters dropped of a set, in numbers that may be shown: counts, rates, and steps of twenty scores."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.calibration import RecipeFilter, calibrating
from flows.config.policies import policy_of
from flows.documents.counts import fate_of_split
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run, StageResult
from kdm.privacy.public_numbers import dropped_steps
from pairgen.filters.filter import distinct_names
from pairgen.filters.joint import share_dropped
from pairgen.filters.share import Share
from pairgen.planted.recall import Rule, Scored, mistakes
from storage.digest import digest_of
from storage.masks import Mask, read_audit, read_decision_summary, read_keep, read_scores
from storage.plugins import describe
from storage.store import PairStore

VERSION = 1  # raised by a change of the numbers
Document = dict[str, Any]
Scores = NDArray[np.float64]


def filtered_identity(run: Run, judged: StageResult) -> Document:
    """All that the numbers depend on."""
    dataset = run.recipe.dataset
    covered = {store.split: contents(run, store) for store in _stores(run, judged)}
    return {
        "version": VERSION,
        "pairs": judged.place.name,
        "contents": digest_of(covered),
        "masks": [mask.model_dump() for mask in masks_in(judged)],
        "rules": [each.model_dump(mode="json") for each in run.recipe.filters],
        "heldout": "" if dataset is None else calibrating(dataset),
    }


def filtered_numbers(run: Run, judged: StageResult) -> Document:
    """JSON of counts, and of curves whose steps are at least twenty samples; the set has filters."""
    stores, masks = _stores(run, judged), masks_in(judged)
    verdicts = [_Verdicts.of(run, store, masks) for store in stores]
    dataset = run.recipe.dataset
    chosen = [RecipeFilter(each, dataset, home=run.home) for each in run.recipe.filters]
    names = distinct_names([each.choice.filter for each in chosen])
    real = [_real_scores(each) for each in chosen]
    summaries = [read_decision_summary(stores[0].base / "masks", mask) for mask in masks]
    thresholds = [float(each["threshold"]) for each in summaries]
    filters = []
    for place, (name, each) in enumerate(zip(names, chosen, strict=True)):
        pairs = np.concatenate([each.scores[place] for each in verdicts])
        filters.append(
            {
                "name": name,
                "settings": describe(each.choice.filter),
                **{key: summaries[place].get(key) for key in ("threshold", "fpr", "joint_fpr")},
                **masks[place].model_dump(),
                "dropped": {each.split: dict(each.reasons[place]) for each in verdicts},
                "mistakes": _share(_dropped([each], [thresholds[place]], [real[place]])),
                "num_pairs": len(pairs),
                "steps": dropped_steps(pairs, each.choice.filter.drops),
                "num_real": len(real[place]),
                "real_steps": dropped_steps(real[place], each.choice.filter.drops),
            }
        )
    return {
        "policy": policy_of([each.filter for each in run.recipe.filters]),
        "splits": [{"split": each.split, **each.fate} for each in verdicts],
        "classes": _classes(verdicts),
        "filters": filters,
        "mistakes": _share(_dropped(chosen, thresholds, real)),
        "mistakes_on_others": _on_others(names, chosen, real),
        "num_reference": 0 if dataset is None else len(dataset.train()),
        "leaves_one_out": dataset is not None and not dataset.has_heldout,
    }


def _stores(run: Run, judged: StageResult) -> list[PairStore]:
    return [open_split(run, judged, split) for split in run.recipe.splits]


@dataclass(frozen=True)
class _Verdicts:
    """All decisions over a split."""

    split: str
    fate: Document  # attempted, kept, masked, and what was never stored by reason
    scores: tuple[Scores, ...]  # [n] a filter
    reasons: tuple[Counter[str], ...]  # a filter
    label: NDArray[np.int64]  # [n], or [0] without labels
    is_kept: NDArray[np.bool_]  # [n] by all filters

    @classmethod
    def of(cls, run: Run, store: PairStore, masks: Sequence[Mask]) -> "_Verdicts":
        covered, folder = contents(run, store), store.base / "masks"
        fate = fate_of_split(store, masks, covered)
        scores = tuple(
            np.concatenate([read_scores(folder, mask.score, content) for content in covered])
            for mask in masks
        )
        reasons = tuple(
            Counter(
                row["reason"] for content in covered for row in read_audit(folder, mask, content)
            )
            for mask in masks
        )
        keeps = [
            [read_keep(folder, mask, content, num_rows=record.kept) for mask in masks]
            for record, content in zip(store.records(range(len(covered))), covered, strict=True)
        ]
        labels = []
        if store.schema.label is not None:
            labels = [
                store.columns(shard, content)["label"] for shard, content in enumerate(covered)
            ]
        return cls(
            store.split,
            {
                "attempted": fate.attempted,
                "kept": fate.kept,
                "masked": fate.masked,
                "unstored": dict(fate.dropped),
            },
            scores,
            reasons,
            np.concatenate([np.empty(0, np.int64), *labels]),
            np.concatenate([np.logical_and.reduce(each) for each in keeps]),
        )


def _classes(verdicts: Sequence[_Verdicts]) -> list[list[int]]:
    """Of each class of all splits: its label, how many pairs have it, how many of them are dropped."""
    labels = np.concatenate([each.label for each in verdicts])
    if not len(labels):
        return []
    is_kept = np.concatenate([each.is_kept for each in verdicts])
    judged = np.bincount(labels)
    dropped = np.bincount(labels[~is_kept], minlength=len(judged))
    return [
        [label, int(judged[label]), int(dropped[label])]
        for label in np.flatnonzero(judged).tolist()
    ]


def _real_scores(chosen: RecipeFilter) -> Scores:
    """Of real samples [n] that calibrate; none of a filter whose rate isn't of real samples."""
    kind = chosen.choice.filter
    is_of_real = kind.needs_reference or kind.finds_duplicates
    return chosen.heldout_scores() if is_of_real else np.empty(0)


def _dropped(
    chosen: Sequence[RecipeFilter], thresholds: Sequence[float], real: Sequence[Scores]
) -> Share:
    """Of the real samples, by at least one filter at these thresholds; 0 of 0 without any."""
    found = [
        (each.choice.filter, scores, at)
        for each, at, scores in zip(chosen, thresholds, real, strict=True)
        if len(scores)
    ]
    return share_dropped(*zip(*found, strict=True)) if found else Share(0, 0)


def _on_others(
    names: Sequence[str], chosen: Sequence[RecipeFilter], real: Sequence[Scores]
) -> Document | None:
    """The joint rate on half of the real samples, if the other half had set the thresholds."""
    scored = [
        Scored(
            name, Rule(rule.filter, rule.fpr, rule.threshold, rule.jointly), scores, {}, np.empty(0)
        )
        for name, rule, scores in zip(names, [each.choice for each in chosen], real, strict=True)
        if len(scores) > 1
    ]
    return _share(mistakes(scored)) if scored else None


def _share(share: Share) -> Document | None:
    """k of n with its exact 95 % interval."""
    if not share.of:
        return None
    low, high = share.interval
    return {"count": share.count, "of": share.of, "low": round(low, 6), "high": round(high, 6)}
