"""What cards say of a teacher's differential privacy: void for what a filter chose by the training data."""

from collections.abc import Iterable

from flows.config.filter_rules import require_claim_kept, stated_claim
from flows.documents.set_origin import origin_of_card
from flows.judged_pairs import masks_in, open_split
from flows.stage import Run, StageResult
from kdm.differential_privacy import Claim, DifferentialPrivacy
from pairgen.filters.filter import Filter
from storage.mask_documents import decisions_of
from storage.masks import Mask, read_decision_summary
from storage.plugins import plugin_class, plugin_names
from storage.store import PairStore


def require_claim_of_set_kept(run: Run, pairs: StageResult) -> None:
    """Raise a ValueError if the recipe's filters make void what the set's card states."""
    require_claim_kept(
        run.recipe.filters,
        run.recipe.dataset,
        origin_of_card(pairs.place).differential_privacy,
        is_given_up=run.recipe.privacy.gives_up_differential_privacy,
    )


def claim_of_pairs(stores: Iterable[PairStore], stated: DifferentialPrivacy | None) -> Claim | None:
    """Of a set with its masks, which go where it goes."""
    if stated is None:
        return None
    chosen = [name for store in stores for name in _chosen_by(store, _decisions(store))]
    return Claim(stated, tuple(sorted(set(chosen))))


def claim_of_student(run: Run, judged: StageResult) -> Claim | None:
    """Of a student of these pairs by these masks; once a set is purged, all its decisions count."""
    stated = stated_claim(run.recipe.teacher, run.recipe.pairs)
    stated = stated or origin_of_card(judged.place).differential_privacy
    if stated is None:
        return None
    store = open_split(run, judged, "train")
    masks = _decisions(store) if store.purges.numbers else masks_in(judged)
    return Claim(stated, tuple(sorted(set(_chosen_by(store, masks)))))


def _decisions(store: PairStore) -> list[Mask]:
    return decisions_of(store.base / "masks")


def _chosen_by(store: PairStore, masks: Iterable[Mask]) -> list[str]:
    """The filters that read the training data, of those that ran at write and those of masks."""
    at_write = [str(rule["filter"]["plugin"]) for rule in store.spec.get("drop_at_write", ())]
    summaries = [read_decision_summary(store.base / "masks", mask) for mask in masks]
    named = [(str(each["filter"]["plugin"]), "calibrated_by" in each) for each in summaries]
    return [
        *filter(_needs_reference, at_write),
        # Calibrated by leave-one-out, by the training data too.
        *(name for name, leaves_one_out in named if leaves_one_out or _needs_reference(name)),
    ]


def _needs_reference(name: str) -> bool:
    """Whether a filter compares pairs with real samples; one that isn't installed may have."""
    if name not in plugin_names("pairgen.filters"):
        return True
    chosen = plugin_class("pairgen.filters", name)
    return not issubclass(chosen, Filter) or chosen.needs_reference
