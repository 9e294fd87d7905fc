"""Makes shards in this process: workers sample them, and they are written in the order of their jobs.

`prepared_maker` loads the teacher into the workers first.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from flows.generation.kept import has_kept
from flows.generation.shard_claims import ShardClaims
from flows.generation.unit import MadeUnit, Unit, Written
from flows.generation.units import Pace
from pairgen.generation import DroppedIndices
from pairgen.ordered_pool import Message, OrderedPool
from pairgen.worker import MadeShard, ShardJob
from storage.errors import StoreError
from storage.store import PairStore

# If a filter rejects this many in a row, the filter is at fault.
ENOUGH_REJECTED = 4096

Pool = OrderedPool[ShardJob, MadeShard]


@dataclass
class ShardWriter:
    """The shards of one split that this process makes."""

    store: PairStore
    pool: Pool
    claims: ShardClaims
    # Called with a shard's invalid indices before it's written; raises if there are too many.
    note_invalid: Callable[[str, DroppedIndices], None]
    # Shards that are made but not written yet, because every pair of the split was rejected so far.
    _unwritten: list[tuple[int, MadeShard]] = field(default_factory=list)
    _has_kept: bool | None = None  # None: not looked yet

    def written(
        self, shards: Iterable[int], on_message: Callable[[Message], None]
    ) -> Iterator[Written]:
        """Make and write those of the shards that are missing and that no other process is making."""
        if self._has_kept is None:
            self._has_kept = has_kept(self.store)
        claimed: deque[int] = deque()

        def jobs() -> Iterator[ShardJob]:
            for shard in self.claims.taken(shards):
                claimed.append(shard)
                yield ShardJob(self.store.split, self.store.indices(shard))

        results = self.pool.results(jobs(), on_message)
        while (done := self._next(claimed, results)) is not None:
            yield from done
        self._require_some()

    def _next(self, claimed: deque[int], results: Iterator[MadeShard]) -> list[Written] | None:
        # A separate function, so that no shard stays in memory while waiting for the next.
        for made in results:
            return self._take(claimed.popleft(), made)
        return None

    def _take(self, shard: int, made: MadeShard) -> list[Written]:
        self.note_invalid(self.store.split, made.invalid)
        self._unwritten.append((shard, made))
        if not self._has_kept and len(made.columns["index"]):
            self.store.begin()
            self._has_kept = True
        if self._has_kept:
            ready, self._unwritten = self._unwritten, []
            return [self._write(*each) for each in ready]
        if len(self._unwritten) * self.store.shard_size >= ENOUGH_REJECTED:
            self._require_some()
        return []

    def _require_some(self) -> None:
        """Raise a `StoreError` if `drop_at_write` rejected everything that was made."""
        if not self._unwritten:
            return
        reasons: Counter[str] = Counter()
        for _, made in self._unwritten:
            reasons.update({reason: len(rows) for reason, rows in made.dropped.items()})
        said = ", ".join(f"{reason}: {num:,}" for reason, num in sorted(reasons.items()))
        num_made = len(self._unwritten) * self.store.shard_size
        raise StoreError(
            f"pairs.drop_at_write rejects each of the first {num_made:,} {self.store.split} pairs ({said}), "
            "and none of them was written: choose a milder fpr or threshold, or look at the teacher"
        )

    def _write(self, shard: int, made: MadeShard) -> Written:
        was_there = self.store.is_there(shard)
        self.store.write_audit(shard, made.audit)
        record = self.store.write_columns(
            shard,
            made.columns,
            dropped=made.dropped,
            environment=made.environment,
            nfe=made.num_evaluations / self.store.shard_size,
        )
        self.claims.release(shard)
        return Written(
            shard, record.content_digest, made.invalid, made.num_evaluations, was_there=was_there
        )


@dataclass(frozen=True)
class Maker:
    """The engine of this process: its worker threads share the shards of a unit (`engine.Engine`)."""

    writers: Mapping[str, ShardWriter]  # by split
    machine: str
    num_workers: int = 1
    pace: Pace = field(default_factory=Pace)
    takes_all: bool = True

    def results(
        self, units: Iterable[Unit], on_message: Callable[[Message], None]
    ) -> Iterator[MadeUnit]:
        """Make one unit after the other."""
        for unit in units:
            yield self.make(unit, on_message)

    def make(self, unit: Unit, on_message: Callable[[Message], None]) -> MadeUnit:
        """Make those shards of the unit that are missing and that nobody else is making."""
        wall, cpu = time.perf_counter(), time.process_time()
        written = tuple(self.writers[unit.split].written(unit.shards, on_message))
        return MadeUnit(
            unit.split,
            written,
            time.perf_counter() - wall,
            time.process_time() - cpu,
            self.machine,
        )
