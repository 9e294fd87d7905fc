"""Writes a split's shards in order, as workers finish them."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.documents.timings import machine, note_timing
from flows.stage import Run
from flows.stages.invalid_pairs import InvalidPairs
from pairgen.ordered_pool import Message, OrderedPool
from pairgen.spec import PairSpec
from pairgen.worker import MadeShard, ShardJob
from storage.errors import StoreError
from storage.store import PairStore

STAGE = "generate-pairs"
# If a filter rejects this many in a row, the filter is at fault.
ENOUGH_REJECTED = 4096


@dataclass
class ShardWriter:
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
        meter = self.run.meter(STAGE, name, num_samples, "pairs")
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
