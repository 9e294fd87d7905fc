"""The decisions that a command reads a set by: as named, else those of the recipe that ran on it."""

from collections.abc import Sequence

from flows.stages.known import known_runs
from flows.stages.reading import masks_in
from storage.decisions import choices
from storage.fs import Folder
from storage.masks import Mask
from storage.store import PairStore
from storage.verify_masks import decisions_of

NONE = "none"


def chosen_masks(
    store: PairStore, home: Folder, named: Sequence[str], *, is_unmasked: bool = False
) -> tuple[Mask, ...]:
    """The decisions named by their beginnings, or what the runs of this home read the set by.

    Without runs it is the only decision. A ValueError lists the choices where neither tells.
    """
    folder = store.base / "masks"
    known = decisions_of(folder)
    if is_unmasked or NONE in named:
        if set(named) - {NONE}:
            raise ValueError("--mask names a decision and none at once; give one of them")
        return ()
    if named:
        return tuple(_named(store, known, start) for start in named)
    return known_masks(store, home, known)


def known_masks(store: PairStore, home: Folder, known: Sequence[Mask]) -> tuple[Mask, ...]:
    """What all runs of the home agree on, else the only decision; a ValueError with the choices."""
    runs = {
        masks_in(run.judged) for run in known_runs(home) if run.judged.folder == store.folder.url
    }
    there = {masks for masks in runs if set(masks) <= set(known)}
    if len(there) == 1:
        return there.pop()
    if len(known) <= 1 and not there:
        return tuple(known)
    why = "runs read it by different ones" if there else "no run at this home says which"
    raise ValueError(
        f"{store.base.url} has several decisions of filters, and {why}: name one with --mask, or "
        f"take every pair with --mask {NONE}; there are {choices(store.base / 'masks', list(known))}"
    )


def _named(store: PairStore, known: Sequence[Mask], start: str) -> Mask:
    matches = [mask for mask in known if mask.decision.startswith(start)]
    if len(matches) != 1:
        there = choices(store.base / "masks", list(known)) or "none"
        raise ValueError(
            f"--mask {start} is the beginning of {len(matches)} decisions of {store.base.url}; "
            f"there are: {there}"
        )
    return matches[0]
