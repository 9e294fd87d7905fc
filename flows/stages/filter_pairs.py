"""Stage `filter-pairs`: score each shard once and decide by a threshold; the teacher is not loaded."""

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.calibration import RecipeFilter
from flows.documents.dp_claims import require_claim_of_set_kept
from flows.documents.mask_counts import filter_counts, masked_words, rate_warnings
from flows.documents.set_card import write_pairs_card
from flows.judged_pairs import contents, open_split
from flows.stage import Run, StageResult
from flows.stages.claim import end_claim_of_dead
from flows.stages.judging import STAGE, Judging
from flows.stages.stated_masks import stated_masks
from storage.digest import digest_of

if TYPE_CHECKING:
    from storage.masks import Mask


def filter_pairs(run: Run, pairs: StageResult) -> StageResult:
    """Give every pair a score and a decision from every filter of the recipe.

    Without filters, the recipe states which existing decisions to apply, if there are any.
    """
    run.recipe.require_filters_fit(open_split(run, pairs, "train").schema.shape)
    require_claim_of_set_kept(run, pairs)
    masks: list[Mask] = []
    was_missing, warnings = False, dict[str, None]()
    if run.recipe.filters:
        pairs.place.sweep()  # no generation has removed what a killed filter-pairs left beside a stored set
    else:
        masks += stated_masks(run, pairs)
    for choice in run.recipe.filters:
        stores = [open_split(run, pairs, split) for split in run.recipe.splits]
        covered = {store.split: contents(run, store) for store in stores}
        chosen = RecipeFilter(
            choice, run.recipe.dataset, covered, home=run.home, together=run.recipe.joint_filters
        )
        judging = Judging(run, chosen)
        masks.append(judging.mask)
        for store in stores:
            was_missing |= judging.cover(store)
        counts = [filter_counts(each, judging.mask, contents(run, each)) for each in stores]
        run.say(masked_words(counts))
        warnings |= dict.fromkeys(rate_warnings(stores[0], judging.mask))
    for warning in warnings:  # once of filters that share a rate
        run.say(warning)
    if not was_missing:
        end_claim_of_dead(pairs.place)
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
