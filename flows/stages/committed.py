"""Freezes a set's contents in a manifest, and reports them as the stage's result."""

from collections.abc import Mapping

from flows.config.generated_pairs import GeneratedPairs
from flows.config.imported_pairs import ImportedPairs
from flows.config.splits import counts
from flows.stage import StageResult, State
from storage.digest import digest_of
from storage.errors import StoreError
from storage.store import PairStore

STAGE = "generate-pairs"


def committed(
    stores: Mapping[str, PairStore], pairs: GeneratedPairs | ImportedPairs, *, was_missing: bool
) -> StageResult:
    """The stage's result, once each split has the manifest of what the recipe asks for.

    A StoreError if filters rejected every pair of a split.
    """
    facts: dict[str, object] = {}
    for split, count in counts(pairs).items():
        store = stores[split]
        manifest = store.commit(count)
        if not manifest.kept:
            raise StoreError(
                f"{store.base.url} is empty: pairs.drop_at_write rejected all "
                f"{manifest.attempted:,} pairs; choose a milder fpr or threshold, or look at the "
                "teacher"
            )
        facts[split] = {
            "count": count,
            "attempted": manifest.attempted,
            "kept": manifest.kept,
            "contents": digest_of(manifest.content_digests),
        }
    folder = stores["train"].folder
    state: State = "done" if was_missing else "cached"
    return StageResult(STAGE, folder.name, folder.url, stores["train"].spec_digest, state, facts)
