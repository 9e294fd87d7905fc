"""Pairs that need no teacher: already stored, or imported from published files."""

from collections.abc import Iterator

from flows.config.imported_pairs import ImportedPairs
from flows.config.splits import SPLITS
from flows.config.stored_pairs import StoredPairs
from flows.stage import Run, StageResult
from flows.stages.committed import STAGE, committed
from storage.digest import digest_of, short
from storage.errors import MismatchError
from storage.folders import Folder, folder_at
from storage.importers import import_pairs
from storage.store import PairStore


def existing_pairs(run: Run) -> StageResult | None:
    """The recipe's pairs if they need no teacher, else None."""
    match run.recipe.pairs:
        case StoredPairs() as stored:
            return _stored(stored)
        case ImportedPairs() as imported:
            return _imported(run, imported)
    return None


def _imported(run: Run, pairs: ImportedPairs) -> StageResult:
    """What is missing of a published set, imported from its file or folder."""
    run.before_work()  # the whole source is read, even if everything is there
    meter = run.meter(STAGE, pairs.name, 0, "pairs")

    def report(done: int, total: int) -> None:
        meter.total = total
        meter.at(done)

    made = import_pairs(
        pairs.importer,
        pairs.source_path(),
        run.home / "pairs",
        name=pairs.name,
        rows={"train": pairs.train_rows, "heldout": pairs.heldout_rows},
        layout=pairs.layout,
        report=report,
        **pairs.options.model_dump(),
    )
    stores = {
        split: PairStore.open(made.folder, split=split, layout=pairs.layout) for split in SPLITS
    }
    return committed(stores, pairs, was_missing=made.was_missing)


def _stored(pairs: StoredPairs) -> StageResult:
    """The set as it is; nothing is written. An error if it changed, or holds too few pairs."""
    folder = folder_at(pairs.folder)
    facts = dict(_splits(folder, pairs))
    return StageResult(STAGE, folder.name, folder.url, pairs.spec, "cached", facts)


def _splits(folder: Folder, pairs: StoredPairs) -> Iterator[tuple[str, dict[str, object]]]:
    for split, count in (("train", pairs.train), ("heldout", pairs.heldout)):
        if not count:
            continue  # a stored set may lack held-out pairs
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
