"""Makes the missing shards of a set: prints their cost, samples them in workers, writes them in order."""

from collections.abc import Mapping

from flows.config.generated_pairs import GeneratedPairs
from flows.stage import Run, StageResult
from flows.stages.invalid_pairs import InvalidPairs
from flows.stages.shard_writer import ShardWriter
from pairgen.costs import Costs, estimate
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge, fit_judge
from pairgen.ordered_pool import OrderedPool
from pairgen.probe import Probe
from pairgen.spec import PairSpec
from pairgen.teachers.teacher import Teacher, load_teacher
from pairgen.worker import Worker
from pairgen.workers import Workforce, prepared_workers
from storage.store import PairStore

# A filter keeps 8 bytes of score and 1 of decision a sample, as base64 (4 bytes for 3), and a row of
# text for each that it drops. A shard adds its tar's heads, its record and the ends of disk blocks.
MASK_BYTES, SHARD_BYTES = 16, 24 * 1024
# Less work than this ends before anyone has read its cost.
SECONDS_WORTH_SAYING, PAIRS_WORTH_SAYING = 5.0, 100_000


Stores = Mapping[str, PairStore]  # by split
Missing = Mapping[str, list[int]]  # shards, by split


def make_pairs(
    run: Run,
    spec: PairSpec,
    teacher: StageResult,
    *,
    stores: Stores,
    missing: Missing,
    invalid: InvalidPairs,
) -> None:
    """Make the missing shards; those already written when an error occurs stay.

    `invalid` are those of the other shards, and those of these are noted there.
    """
    pairs, store = run.recipe.pairs, stores["train"]
    assert isinstance(pairs, GeneratedPairs)
    _require_space(stores, missing)
    if spec.sampler.caution:
        run.say(spec.sampler.caution)
    made_by = prepared_workers(
        spec,
        _load(spec, teacher),
        [_judge(run, rule) for rule in spec.drop_at_write],
        workforce=Workforce(
            run.settled_device,
            pairs.sampling_batch,
            pairs.num_threads,
            pairs.num_workers,
            is_compiled=pairs.is_compiled,
        ),
        num_shards=max(map(len, missing.values())),
        shard_size=store.shard_size,
    )
    with made_by as workers:
        _say_costs(run, spec, workers, stores, missing)
        with OrderedPool(workers) as pool:
            for split, shards in missing.items():
                making = ShardWriter(run, spec, stores[split], invalid)
                making.make(shards, pool)


def _say_costs(
    run: Run, spec: PairSpec, workers: list[Worker], stores: Stores, missing: Missing
) -> None:
    first = workers[0]
    costs = estimate(
        Probe(spec, first.teacher, first.device),
        sum(map(len, missing.values())) * stores["train"].shard_size,
        num_bytes=_num_bytes(stores, missing),
        sampling_batch=first.sampling_batch,
        num_devices=len({worker.device for worker in workers}),
    )
    if _is_worth_saying(costs):
        run.say(costs.sentence)


def _is_worth_saying(costs: Costs) -> bool:
    if costs.num_pairs >= PAIRS_WORTH_SAYING or costs.seconds is None:
        return True
    return costs.seconds >= SECONDS_WORTH_SAYING


def _load(spec: PairSpec, teacher: StageResult) -> Teacher:
    weights = None
    if spec.teacher.plugin.is_trained:
        weights = teacher.place.read("model.safetensors")
    return load_teacher(
        spec.teacher.plugin, spec.pairs.shape, weights=weights, digest=spec.teacher.weights
    )


def _judge(run: Run, rule: DropRule) -> Judge:
    assert run.recipe.dataset is not None  # checked by the recipe
    return fit_judge(rule.filter, run.recipe.dataset.train())


def _num_bytes(stores: Stores, missing: Missing) -> int:
    """Bytes on disk, including what filters will store next to the pairs."""
    num_shards, store = sum(map(len, missing.values())), stores["train"]
    return num_shards * (store.shard_size * (store.schema.num_bytes + MASK_BYTES) + SHARD_BYTES)


def _require_space(stores: Stores, missing: Missing) -> None:
    purpose = f"making {sum(map(len, missing.values()))} shards"
    folder = stores["train"].folder
    folder.require_writable(purpose)
    folder.require_space(_num_bytes(stores, missing), purpose)
