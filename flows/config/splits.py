"""The splits of a recipe's pairs, and the number of indices of each."""

from flows.config.generated_pairs import GeneratedPairs
from flows.config.imported_pairs import ImportedPairs

SPLITS = ("train", "heldout")


def counts(pairs: GeneratedPairs | ImportedPairs) -> dict[str, int]:
    """Indices asked for, by split."""
    return {"train": pairs.train, "heldout": pairs.heldout}
