"""Some shards of a recipe's pairs, made for a run of `generate-pairs` that shares its work."""

from collections.abc import Sequence

from flows.generation.work import Work
from flows.stage import Run, StageResult, State
from flows.stages.arithmetic import require_arithmetic
from flows.stages.pair_spec import pair_spec


def generate_shards(
    run: Run, teacher: StageResult, split: str, shards: Sequence[int]
) -> StageResult:
    """Make those of the shards that are missing and that no other process is making; freeze nothing."""
    spec = pair_spec(run, weights=teacher.facts["weights"])
    work = Work(run, spec, teacher, {"on": "make-shards"})
    store = work.stores[split]
    missing = [shard for shard in shards if not store.is_there(shard)]
    if missing:
        run.begin(store.folder, f"making shards of {store.folder.name}")
        require_arithmetic(run)
        from flows.generation.make_missing import make_unit_here

        make_unit_here(work, split, missing)
    state: State = "done" if missing else "cached"
    name = store.folder.name
    return StageResult("make-shards", name, store.folder.url, store.spec_digest, state)
