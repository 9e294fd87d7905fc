"""Pairs that were made before: looked at in place of being made."""

from collections.abc import Iterator

from flows.stages.run import StageResult
from flows.stored_pairs import StoredPairs
from storage.any_folder import folder_at
from storage.digest import digest_of, short
from storage.errors import MismatchError
from storage.fs import Folder
from storage.store import PairStore


def stored_pairs(stage: str, pairs: StoredPairs) -> StageResult:
    """The set as it is, nothing written; errors where it is another by now, or holds too few."""
    folder = folder_at(pairs.folder)
    facts = dict(_splits(folder, pairs))
    return StageResult(stage, folder.name, folder.url, pairs.spec, "cached", facts)


def _splits(folder: Folder, pairs: StoredPairs) -> Iterator[tuple[str, dict[str, object]]]:
    for split, count in (("train", pairs.train), ("heldout", pairs.heldout)):
        if not count:
            continue
        store = PairStore.open(folder, split=split, layout=pairs.layout)
        if store.spec_digest != pairs.spec:
            raise MismatchError(
                f"{folder.url} holds the set {short(store.spec_digest)}…, the recipe names "
                f"{short(pairs.spec)}…; name that set's folder"
            )
        manifest = store.manifest(count)
        contents = digest_of(manifest.content_digests)
        counts = {"count": count, "attempted": manifest.attempted, "kept": manifest.kept}
        yield split, {**counts, "contents": contents}
