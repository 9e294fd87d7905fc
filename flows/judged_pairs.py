"""How stages read pairs after filtering: a split, the masks to apply, the shards that the recipe covers."""

from flows.stage import Run, StageResult
from storage.masks import Mask
from storage.store import PairStore


def masks_in(judged: StageResult) -> tuple[Mask, ...]:
    """The masks that a reader must apply."""
    return tuple(Mask(**mask) for mask in judged.facts.get("masks", ()))


def open_split(run: Run, pairs: StageResult, split: str) -> PairStore:
    """One split of the recipe's pairs."""
    folder = pairs.place
    return PairStore.open(folder, split=split, layout=run.recipe.pairs.layout)


def contents(run: Run, store: PairStore) -> tuple[str, ...]:
    """Content digests of the shards of a split that the recipe reads."""
    pairs = run.recipe.pairs
    return store.content_digests(pairs.train if store.split == "train" else pairs.heldout)
