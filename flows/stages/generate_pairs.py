"""Stage `generate-pairs`: find what the store lacks, sample it, write it, freeze it in a manifest."""

import logging
from dataclasses import replace

from flows.documents.set_card import write_pairs_card
from flows.generation.part import Part
from flows.generation.shard_claims import end_claims
from flows.generation.work import Missing, Work
from flows.stage import Run, StageResult
from flows.stages.arithmetic import require_arithmetic, require_sound_noise
from flows.stages.committed import STAGE, committed
from flows.stages.existing_pairs import existing_pairs
from flows.stages.pair_spec import pair_spec

_LOG = logging.getLogger(__name__)


def generate_pairs(run: Run, teacher: StageResult | None) -> StageResult:
    """Make the recipe's pairs that are missing; if none are, the teacher is not loaded."""
    existing = existing_pairs(run)
    if existing is not None:
        if run.recipe.pairs.kind == "imported":
            _write_card(run, existing)
        return existing
    assert teacher is not None  # a recipe with generated pairs has a teacher
    spec = pair_spec(run, weights=teacher.facts["weights"])
    part = Part.parse(run.part) if run.part else None
    work = Work(run, spec, teacher, {"on": run.made_on, "part": run.part})
    missing = work.missing()
    was_missing = any(missing.values())
    for split, shards in missing.items():
        store, num_shards = work.stores[split], work.num_shards[split]
        _LOG.info("%s lacks %d of %d shards", store.base.url, len(shards), num_shards)
    if was_missing and not _make_missing(work, missing, part):
        return _left_to_others(work)
    for store in work.stores.values():
        end_claims(store)
    result = committed(work.stores, work.pairs, was_missing=was_missing)
    lineage = {
        "teacher": [teacher.name, teacher.digest],
        "teacher_folder": f"teachers/{teacher.name}",
    }
    result = replace(result, facts={**result.facts, **lineage})
    _write_card(run, result)
    return result


def _left_to_others(work: Work) -> StageResult:
    """The result of a part that ended while others still work; nothing is frozen yet."""
    store = work.stores["train"]
    return StageResult(STAGE, store.folder.name, store.folder.url, store.spec_digest, "done")


def _write_card(run: Run, result: StageResult) -> None:
    """Unless the filter stage will, which knows more."""
    if not run.recipe.filters or not result.place.exists("card.md"):
        write_pairs_card(run, result)


def _make_missing(work: Work, missing: Missing, part: Part | None) -> bool:
    """Make what is missing; whether all is there at the end."""
    work.run.begin(work.stores["train"].folder, f"making pairs {work.stores['train'].folder.name}")
    require_arithmetic(work.run)
    require_sound_noise()
    # It needs torch, which a run that finds all pairs doesn't wait for.
    from flows.generation.make_missing import make_missing

    return make_missing(work, missing, part=part)
