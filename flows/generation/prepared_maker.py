"""Prepares what makes shards in this process: the teacher in its workers, claims, and a writer a split."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from flows.calibration import reference_of
from flows.documents.timings import machine
from flows.generation.engine import NoteInvalid
from flows.generation.maker import Maker, ShardWriter
from flows.generation.shard_claims import ShardClaims
from flows.generation.work import Announcement, Work
from flows.stage import Run
from pairgen.costs import Costs, estimate
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge, fit_judge
from pairgen.ordered_pool import OrderedPool
from pairgen.probe import Probe
from pairgen.teachers.teacher import Teacher, load_teacher
from pairgen.worker import Worker
from pairgen.workers import Workforce, prepared_workers

# Less work than this ends before anyone has read its cost.
SECONDS_WORTH_SAYING, PAIRS_WORTH_SAYING = 5.0, 100_000


@contextmanager
def prepared_maker(
    work: Work,
    note_invalid: NoteInvalid,
    *,
    num_workers: int,
    num_shards: int,
    announcement: Announcement | None = None,
) -> Iterator[Maker]:
    """Load the teacher into `num_workers` workers (0: one a GPU or core), at most one for each shard.

    Claims end with the context.
    """
    pairs, run = work.pairs, work.run
    made_by = prepared_workers(
        work.spec,
        _load(work),
        [_judge(run, rule) for rule in work.spec.drop_at_write],
        workforce=Workforce(
            run.settled_device,
            pairs.sampling_batch,
            pairs.num_threads,
            num_workers,
            is_compiled=pairs.is_compiled,
        ),
        num_shards=num_shards,
        shard_size=work.stores["train"].shard_size,
    )
    with ExitStack() as stack:
        workers = stack.enter_context(made_by)
        if announcement is not None:
            _say_costs(work, workers, announcement)
        claims = {
            split: stack.enter_context(
                ShardClaims(store, {**work.note, "num_shards": work.num_shards[split]})
            )
            for split, store in work.stores.items()
        }
        pool = stack.enter_context(OrderedPool(workers))
        yield Maker(
            {
                split: ShardWriter(store, pool, claims[split], note_invalid)
                for split, store in work.stores.items()
            },
            machine(run.settled_device),
        )


def in_process(
    work: Work, note_invalid: NoteInvalid, announcement: Announcement, *, num_shards: int
) -> AbstractContextManager[Maker]:
    """Start this process as the engine, with as many workers as the recipe says."""
    return prepared_maker(
        work,
        note_invalid,
        num_workers=work.pairs.num_workers,
        num_shards=num_shards,
        announcement=announcement,
    )


def _say_costs(work: Work, workers: list[Worker], announced: Announcement) -> None:
    first = workers[0]
    costs = estimate(
        Probe(work.spec, first.teacher, first.device),
        announced.num_pairs,
        num_bytes=announced.num_bytes,
        sampling_batch=first.sampling_batch,
        num_devices=announced.num_makers * len({worker.device for worker in workers}),
    )
    if _is_worth_saying(costs):
        work.run.say(costs.sentence)


def _is_worth_saying(costs: Costs) -> bool:
    if costs.num_pairs >= PAIRS_WORTH_SAYING or costs.seconds is None:
        return True
    return costs.seconds >= SECONDS_WORTH_SAYING


def _load(work: Work) -> Teacher:
    weights, plugin = None, work.spec.teacher.plugin
    if plugin.is_trained:
        weights = work.teacher.place.read("model.safetensors")
    return load_teacher(
        plugin, work.spec.pairs.shape, weights=weights, digest=work.spec.teacher.weights
    )


def _judge(run: Run, rule: DropRule) -> Judge:
    return fit_judge(rule.filter, reference_of(rule.filter, run.recipe.dataset))
