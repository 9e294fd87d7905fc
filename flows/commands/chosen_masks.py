"""Which filter decisions a command applies to a set: those named, else those of the recipe that ran on it."""

from collections.abc import Sequence

from flows.commands.recipe_options import NO_MASK, asks_for_no_mask
from flows.documents.remembered_runs import known_runs
from flows.judged_pairs import masks_in
from storage.decisions import choices, named_masks
from storage.folders import Folder
from storage.mask_documents import decisions_of
from storage.masks import Mask
from storage.store import PairStore


def chosen_masks(
    store: PairStore, home: Folder, named: Sequence[str], *, is_unmasked: bool = False
) -> tuple[Mask, ...]:
    """The decisions named by their first digits, or those that this home's runs applied to the set.

    Without runs, the only decision. A ValueError or a MismatchError lists the choices if neither
    decides.
    """
    if is_unmasked and set(named) - {NO_MASK}:
        raise ValueError("--mask names a decision and --unmasked asks for none; give one of them")
    if is_unmasked or asks_for_no_mask(named):
        return ()
    if named:
        return named_masks(store.folder, store.place, named)
    return _known_masks(store, home)


def _known_masks(store: PairStore, home: Folder) -> tuple[Mask, ...]:
    """What the runs with filters agree on, else what every reader applies.

    A run without filters says nothing about a filtered set.
    """
    known = set(decisions_of(store.base / "masks"))
    runs = {
        masks_in(run.judged) for run in known_runs(home) if run.judged.folder == store.folder.url
    }
    filtered = {masks for masks in runs if masks}
    if len(filtered) == 1 and known.issuperset(*filtered):
        return filtered.pop()
    if not filtered and len(known) <= 1:
        return store.masks(None)
    raise ValueError(
        f"{store.base.url} has {len(known)} decisions of filters, and {_why(filtered)}: name one or "
        f"several with --mask, or take every pair with --mask {NO_MASK}; there are: "
        f"{choices(store.folder, store.place)}"
    )


def _why(filtered: set[tuple[Mask, ...]]) -> str:
    if not filtered:
        return "no run of this home says which to use"
    return "runs used different ones" if len(filtered) > 1 else "the run's are not among them"
