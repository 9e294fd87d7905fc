"""Some shards of a recipe's pairs, made for a run of `generate-pairs` that shares its work."""

from collections.abc import Sequence

from flows.generation.invalid_pairs import InvalidPairs
from flows.generation.tally import Tally
from flows.generation.unit import Unit
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
        _make(work, split, missing)
    state: State = "done" if missing else "cached"
    name = store.folder.name
    return StageResult("make-shards", name, store.folder.url, store.spec_digest, state)


def _make(work: Work, split: str, shards: list[int]) -> None:
    """Make some shards of a split in this process, as far as nobody else is at them."""
    from flows.generation.prepared_maker import prepared_maker  # torch

    tally = Tally(work, split, len(shards))
    prepared = prepared_maker(
        work,
        InvalidPairs(work.num_indices).note,
        num_workers=work.pairs.num_workers,
        num_shards=len(shards),
    )
    with prepared as maker, tally.timed():
        tally.take(maker.make(Unit(split, shards), tally.on_message))
