"""Makes the missing shards of a set: prints their cost, samples them in workers, writes them in order."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.config.generated_pairs import GeneratedPairs
from flows.documents.timings import machine, note_timing
from flows.progress import Meter
from flows.stage import Run, StageResult
from flows.stages.invalid_pairs import InvalidPairs
from pairgen.costs import Costs, estimate
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge, fit_judge
from pairgen.ordered_pool import Message, OrderedPool
from pairgen.probe import Probe
from pairgen.spec import PairSpec
from pairgen.teachers.teacher import Teacher, load_teacher
from pairgen.worker import MadeShard, ShardJob, Worker
from pairgen.workers import Workforce, prepared_workers
from storage.errors import StoreError
from storage.folders import folder_at
from storage.store import PairStore

STAGE = "generate-pairs"
# A filter keeps 8 bytes of score and 1 of decision a sample, as base64 (4 bytes for 3), and a row of
# text for each that it drops. A shard adds its tar's heads, its record and the ends of disk blocks.
MASK_BYTES, SHARD_BYTES = 16, 24 * 1024
# Less work than this ends before anyone has read its cost.
SECONDS_WORTH_SAYING, PAIRS_WORTH_SAYING = 5.0, 100_000

# If a filter rejects this many in a row, the filter is at fault.
ENOUGH_REJECTED = 4096

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
                making = _Making(run, spec, stores[split], invalid)
                making.make(shards, pool)


@dataclass
class _Making:
    """The making of one split."""

    run: Run
    spec: PairSpec
    store: PairStore
    invalid: InvalidPairs
    num_done: int = 0  # samples
    num_evaluations: int = 0
    # Shards that are made but not written yet, because every pair of the split was rejected so far.
    _held: list[tuple[int, MadeShard]] = field(default_factory=list)
    _has_kept: bool = False

    def make(self, shards: list[int], pool: "OrderedPool[ShardJob, MadeShard]") -> None:
        """Write each shard as soon as it and those before it are made."""
        num_samples = len(shards) * self.store.shard_size
        name = f"{self.run.recipe.pairs.name} {self.store.split}"
        meter = Meter(self.run.report, STAGE, name, num_samples, "pairs")
        note = f"{self.spec.nfe} evaluations a sample" if self.spec.nfe else ""

        def on_message(said: Message) -> None:
            if isinstance(said, str):
                self.run.say(said)
            else:
                self.num_done += said
                meter.at(self.num_done, note)

        meter.at(0)
        there = self.store.records(self.store.ledger.recorded())
        self._has_kept = any(record.kept for record in there)
        jobs = (ShardJob(self.store.split, self.store.indices(shard)) for shard in shards)
        with self._timed(num_samples):
            made = pool.results(jobs, on_message)
            for shard in shards:
                self._take(shard, next(made))
            self._require_some()

    def _take(self, shard: int, made: MadeShard) -> None:
        # A separate function, so that no shard stays in memory while waiting for the next.
        self.invalid.note(self.store.split, made.invalid)
        self._held.append((shard, made))
        if not self._has_kept and len(made.columns["index"]):
            self.store.begin()
            self._has_kept = True
        if self._has_kept:
            while self._held:
                self._write(*self._held.pop(0))
        elif len(self._held) * self.store.shard_size >= ENOUGH_REJECTED:
            self._require_some()

    def _require_some(self) -> None:
        """Raise a `StoreError` if `drop_at_write` rejected everything that was made."""
        if not self._held:
            return
        reasons: Counter[str] = Counter()
        for _, made in self._held:
            reasons.update({reason: len(rows) for reason, rows in made.dropped.items()})
        said = ", ".join(f"{reason}: {num:,}" for reason, num in sorted(reasons.items()))
        num_made = len(self._held) * self.store.shard_size
        raise StoreError(
            f"pairs.drop_at_write rejects each of the first {num_made:,} {self.store.split} pairs ({said}), "
            "and none of them was written: choose a milder fpr or threshold, or look at the teacher"
        )

    def _write(self, shard: int, made: MadeShard) -> None:
        self.store.write_audit(shard, made.audit)
        self.store.write_columns(
            shard,
            made.columns,
            dropped=made.dropped,
            environment=made.environment,
            nfe=made.num_evaluations / self.store.shard_size,
        )
        self.num_evaluations += made.num_evaluations

    @contextmanager
    def _timed(self, num_samples: int) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        if not num_samples:
            return
        timing = {
            "nfe": round(self.num_evaluations / num_samples),
            "num_samples": num_samples,
            "samples_per_second": num_samples / (time.perf_counter() - wall),
            "samples_per_cpu_second": num_samples / (time.process_time() - cpu),
            "machine": machine(),
        }
        # The training split is the larger one, so its rate is reported.
        name = "sampling" if self.store.split == "train" else self.store.split
        note_timing(self.store.folder, name, timing)


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
        weights = folder_at(teacher.folder).read("model.safetensors")
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
