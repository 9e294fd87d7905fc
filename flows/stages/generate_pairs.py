"""Stage `generate-pairs`: find what the store lacks, sample it, write it, freeze it in a manifest."""

from collections.abc import Mapping
from dataclasses import replace

from flows.config.generated_pairs import GeneratedPairs
from flows.config.imported_pairs import ImportedPairs
from flows.config.stored_pairs import StoredPairs
from flows.documents.set_card import write_pairs_card
from flows.stage import Run, StageResult
from flows.stages.arithmetic import require_arithmetic, require_sound_noise
from flows.stages.claim import claimed, end_claim_of_dead
from flows.stages.committed import SPLITS, committed, counts
from flows.stages.existing_pairs import imported_pairs, stored_pairs
from flows.stages.pair_spec import pair_spec
from pairgen.spec import PairSpec
from storage.folders import Folder
from storage.store import PairStore


def generate_pairs(run: Run, teacher: StageResult | None) -> StageResult:
    """Make the recipe's pairs that are missing; if none are, the teacher is not loaded."""
    if isinstance(run.recipe.pairs, StoredPairs):
        return stored_pairs(run.recipe.pairs)
    pairs = run.recipe.pairs
    if isinstance(pairs, ImportedPairs):
        result = imported_pairs(run, pairs)
        _write_card(run, result)
        return result
    assert teacher is not None  # a recipe with generated pairs has a teacher
    spec = pair_spec(run, pairs, weights=teacher.facts["weights"])
    folder = run.pairs_folder(pairs.name, spec.digest())
    stores = _planned_stores(folder, pairs, spec=spec.document())
    was_missing = any(_missing(stores, pairs).values())
    if was_missing:
        was_missing = _make_missing(run, spec, teacher, stores=stores)
    else:
        end_claim_of_dead(folder)
    result = committed(stores, pairs, was_missing=was_missing)
    lineage = {
        "teacher": [teacher.name, teacher.digest],
        "teacher_folder": f"teachers/{teacher.name}",
    }
    result = replace(result, facts={**result.facts, **lineage})
    _write_card(run, result)
    return result


def _write_card(run: Run, result: StageResult) -> None:
    """Unless the filter stage will, which knows more."""
    if not run.recipe.filters or not result.place.exists("card.md"):
        write_pairs_card(run, result)


def _make_missing(
    run: Run, spec: PairSpec, teacher: StageResult, *, stores: Mapping[str, PairStore]
) -> bool:
    """Make what is missing; False if another run made it meanwhile."""
    pairs, folder = run.recipe.pairs, stores["train"].folder
    assert isinstance(pairs, GeneratedPairs)  # its caller makes these alone
    what = f"making pairs {folder.name}"
    run.begin(folder, what)
    require_arithmetic(run)
    require_sound_noise()
    missing: dict[str, list[int]] = {}

    def is_there() -> bool:
        missing.update(_missing(stores, pairs))
        return not any(missing.values())

    with claimed(folder, what, is_there=is_there, say=run.say) as has_work:
        if has_work:
            # These need torch, which a run that finds all pairs doesn't wait for.
            from flows.stages.invalid_pairs import InvalidPairs
            from flows.stages.make_pairs import make_pairs

            invalid = InvalidPairs.recorded(stores, counts(pairs), missing)
            make_pairs(run, spec, teacher, stores=stores, missing=missing, invalid=invalid)
    return has_work


def _missing(stores: Mapping[str, PairStore], pairs: GeneratedPairs) -> dict[str, list[int]]:
    """Shards to make, by split."""
    return {split: stores[split].missing(count) for split, count in counts(pairs).items()}


def _planned_stores(
    folder: Folder, pairs: GeneratedPairs, *, spec: Mapping[str, object]
) -> dict[str, PairStore]:
    """Both splits of a set, which need not exist yet."""
    return {
        split: PairStore.planned(folder, spec, split=split, layout=pairs.layout) for split in SPLITS
    }
