"""Which decisions a recipe without filters applies to filtered pairs: those that it names, or none."""

from flows.judged_pairs import contents, open_split
from flows.stage import Run, StageResult
from storage.decided_places import decided_elsewhere, decided_places
from storage.decisions import choices, named_masks
from storage.masks import Mask, judged
from storage.store import PairStore


def stated_masks(run: Run, pairs: StageResult) -> tuple[Mask, ...]:
    """What `privacy.masks` names; a ValueError lists the choices if it names none of a filtered set's."""
    train, named = open_split(run, pairs, "train"), run.recipe.privacy.masks
    if named is None:
        _require_unjudged(run, train)
        return ()
    masks = named_masks(train.folder, train.place, named)
    for split in run.recipe.splits:
        store = open_split(run, pairs, split)
        for mask in masks:
            _require_judged(run, store, mask)
    return masks


def _require_unjudged(run: Run, store: PairStore) -> None:
    if not decided_places(store.folder):
        return
    raise ValueError(
        f"recipe '{run.recipe.name}' doesn't have filters, but its pairs were filtered "
        f"({store.folder.url}: {decided_elsewhere(store.folder)}); name one or more decisions with "
        f"--mask, or read every pair with --mask none; there are: {choices(store.folder, store.place)}"
    )


def _require_judged(run: Run, store: PairStore, mask: Mask) -> None:
    there, wanted = judged(store.base / "masks", mask), contents(run, store)
    num_missing = len(set(wanted) - there)
    if num_missing:
        raise ValueError(
            f"decision {mask.decision[:12]} leaves {num_missing} of {len(wanted)} shards of "
            f"{store.base.url} unfiltered; run filter-pairs with the recipe it belongs to, or choose another"
        )
