"""Stage `generate-pairs`: ask the store what is missing, sample it, write it, commit."""

from collections.abc import Mapping
from dataclasses import replace

from flows.imported_pairs import ImportedPairs
from flows.progress import Meter
from flows.recipe import FilterRecipe, GeneratedPairs
from flows.stages.arithmetic import require_arithmetic
from flows.stages.cards import write_pairs_card
from flows.stages.claim import claimed, end_claim_of_dead
from flows.stages.filter_pairs import calibrated
from flows.stages.run import Run, StageResult, State
from flows.stages.stored_pairs import stored_pairs
from flows.stored_pairs import StoredPairs
from pairgen.filters.drop_rule import DropRule
from pairgen.spec import PairSpec, TeacherIdentity
from storage.any_folder import folder_at
from storage.digest import digest_of
from storage.errors import StoreError
from storage.fs import Folder
from storage.importers import import_pairs
from storage.noise import GOLDEN_NOISE, golden_noise_digest
from storage.store import PairStore

STAGE = "generate-pairs"
SPLITS = ("train", "heldout")


def generate_pairs(run: Run, teacher: StageResult | None) -> StageResult:
    """Make what is missing of the recipe's pairs; no teacher is asked where nothing is."""
    if isinstance(run.recipe.pairs, StoredPairs):
        return stored_pairs(STAGE, run.recipe.pairs)
    pairs = run.recipe.pairs
    if isinstance(pairs, ImportedPairs):
        result = _imported(run, pairs)
        _write_card(run, result)
        return result
    assert teacher is not None  # a recipe with generated pairs has a teacher
    spec = pair_spec(run, pairs, weights=teacher.facts["weights"])
    folder = run.pairs_folder(pairs.name, spec.digest())
    stores = planned_stores(folder, pairs, spec=spec.document())
    was_missing = any(_missing(stores, pairs).values())
    if was_missing:
        was_missing = _make_missing(run, spec, teacher, stores=stores)
    else:
        end_claim_of_dead(folder)
    result = _committed(stores, pairs, was_missing=was_missing)
    lineage = {
        "teacher": [teacher.name, teacher.digest],
        "teacher_folder": f"teachers/{teacher.name}",
    }
    result = replace(result, facts={**result.facts, **lineage})
    _write_card(run, result)
    return result


def _write_card(run: Run, result: StageResult) -> None:
    """Unless the filter stage does, which knows more."""
    if not run.recipe.filters or not folder_at(result.folder).exists("card.md"):
        write_pairs_card(run, result)


def _make_missing(
    run: Run, spec: PairSpec, teacher: StageResult, *, stores: Mapping[str, PairStore]
) -> bool:
    """Make what is missing; False where another run has made it meanwhile."""
    pairs, folder = run.recipe.pairs, stores["train"].folder
    assert isinstance(pairs, GeneratedPairs)  # its caller makes these alone
    what = f"making pairs {folder.name}"
    run.begin(folder, what)
    require_arithmetic(run)
    _require_sound_noise()
    missing: dict[str, list[int]] = {}

    def is_there() -> bool:
        missing.update(_missing(stores, pairs))
        return not any(missing.values())

    with claimed(folder, what, is_there=is_there, say=run.say) as has_work:
        if has_work:
            # torch: who finds all pairs there does not wait for it.
            from flows.stages.invalid_pairs import InvalidPairs
            from flows.stages.make_pairs import make_pairs

            invalid = InvalidPairs.recorded(stores, counts(pairs), missing)
            make_pairs(run, spec, teacher, stores=stores, missing=missing, invalid=invalid)
    return has_work


def _missing(stores: Mapping[str, PairStore], pairs: GeneratedPairs) -> dict[str, list[int]]:
    """Shards to make, by split."""
    return {split: stores[split].missing(count) for split, count in counts(pairs).items()}


def pair_spec(run: Run, pairs: GeneratedPairs, *, weights: str) -> PairSpec:
    """The spec of the recipe's pairs, once the teacher's weights are known."""
    assert run.recipe.teacher is not None  # checked by the recipe
    return PairSpec(
        teacher=TeacherIdentity(plugin=run.recipe.teacher.model, weights=weights),
        sampler=pairs.sampler,
        pairs=pairs.pairs,
        precision=pairs.precision,
        guidance=pairs.guidance,
        drop_at_write=tuple(_drop_rule(run, choice) for choice in pairs.drop_at_write),
    )


def counts(pairs: GeneratedPairs | ImportedPairs) -> dict[str, int]:
    """Indices asked for, by split."""
    return {"train": pairs.train, "heldout": pairs.heldout}


def planned_stores(
    folder: Folder, pairs: GeneratedPairs, *, spec: Mapping[str, object]
) -> dict[str, PairStore]:
    """Both splits of a set, of which nothing need be there yet."""
    return {
        split: PairStore.planned(folder, spec, split=split, layout=pairs.layout) for split in SPLITS
    }


def _committed(
    stores: Mapping[str, PairStore], pairs: GeneratedPairs | ImportedPairs, *, was_missing: bool
) -> StageResult:
    facts: dict[str, object] = {}
    for split, count in counts(pairs).items():
        store = stores[split]
        manifest = store.commit(count)
        if not manifest.kept:
            raise StoreError(
                f"{store.base.url} has no pair: pairs.drop_at_write rejected all {manifest.attempted:,} "
                "that were made; choose a milder fpr or threshold, or look at the teacher"
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


def _imported(run: Run, pairs: ImportedPairs) -> StageResult:
    run.before_work()  # the whole source is looked at, even where all of it is there
    meter = Meter(run.report, STAGE, pairs.name, 0, "pairs")

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
    return _committed(stores, pairs, was_missing=made.was_missing)


def _drop_rule(run: Run, choice: FilterRecipe) -> DropRule:
    judge, threshold = calibrated(run, choice)
    return DropRule.of(choice.filter, reference=judge.reference, threshold=threshold)


def _require_sound_noise() -> None:
    found = golden_noise_digest()
    if found != GOLDEN_NOISE:
        raise StoreError(
            f"this machine's numpy draws other noise ({found}… for the golden sample, right is "
            f"{GOLDEN_NOISE}…); pairs made here would be no pairs elsewhere: install another numpy"
        )
