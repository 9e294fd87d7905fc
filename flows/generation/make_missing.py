"""Makes the missing shards of a set: prints their cost, hands them to an engine, waits for what others hold.

Several commands may make one set at once, on any machines. Each takes shards that nobody has claimed, then
those whose owner died or fell silent, and freezes the set once all are there.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from flows.claim_file import process_number
from flows.generation.engine import Engine
from flows.generation.engines import is_in_process, start_of
from flows.generation.invalid_pairs import InvalidPairs
from flows.generation.kept import has_kept
from flows.generation.part import Part
from flows.generation.shard_claims import ShardClaims, holders
from flows.generation.tally import Tally
from flows.generation.unit import MadeUnit, Unit
from flows.generation.units import Units
from flows.generation.work import Announcement, Missing, Work

_LOOK_EVERY = 2.0  # seconds between two looks at what others hold
_SAY_EVERY = 600.0


def make_missing(work: Work, missing: Missing, *, part: Part | None = None) -> bool:
    """Make what is missing; whether all is there at the end.

    It isn't if this is a `part` with nothing left to take while others still work: the last of
    them ends the set. Shards that are written when an error occurs stay.
    """
    _require_space(work, missing)
    if work.spec.sampler.caution:
        work.run.say(work.spec.sampler.caution)
    invalid = InvalidPairs.recorded(work.stores, work.counts, missing)
    start = start_of(work.run)
    if work.spec.drop_at_write and not is_in_process(work.run):
        _make_first(work, missing, invalid)
        missing = work.missing()
    announcement = Announcement(work.num_pairs(missing), work.num_bytes(missing))
    longest = max(map(len, missing.values()))
    with start(work, invalid.note, announcement, num_shards=longest) as engine:
        return _Making(work, engine, invalid, part, missing).until_all_is_there()


def _make_first(work: Work, missing: Missing, invalid: InvalidPairs) -> None:
    """Make shards here until each split has a pair that its filters keep.

    Whether a filter rejects everything is for one process to see, before others begin.
    """
    if all(map(has_kept, work.stores.values())):
        return
    from flows.generation.prepared_maker import prepared_maker

    prepared = prepared_maker(work, invalid.note, num_workers=1, num_shards=1)
    with prepared as maker:
        for split, shards in missing.items():
            next(maker.writers[split].written(shards, lambda _message: None), None)


@dataclass
class _Making:
    """Passes over what is missing, until nothing is, or until others hold all of it."""

    work: Work
    engine: Engine
    invalid: InvalidPairs
    part: Part | None
    missing: Missing
    _seen: dict[str, ShardClaims] = field(init=False)  # what others' claims looked like
    _num_made: int = 0  # shards
    _num_twice: int = 0  # of them others' too
    _said_at: float = field(default=-_SAY_EVERY)

    def __post_init__(self) -> None:
        self._seen = {split: ShardClaims(store) for split, store in self.work.stores.items()}

    def until_all_is_there(self) -> bool:
        """Whether all shards are there at the end."""
        wanted = sum(map(len, self.missing.values()))
        while any(self.missing.values()):
            num_made = sum(self._pass(split) for split, shards in self.missing.items() if shards)
            if num_made or not any(self.missing.values()):
                continue
            if self.part is not None:
                self._say_left()
                return False
            self._say_waiting()
            time.sleep(_LOOK_EVERY)
        if self._num_twice:
            self.work.run.say(f"{self._num_twice} shards were made by another process meanwhile")
        if self._num_made != wanted or self._num_twice:
            # Others have made some; what they left out counts too.
            nothing: Missing = {split: [] for split in self.missing}
            InvalidPairs.recorded(self.work.stores, self.work.counts, nothing)
        return True

    def _pass(self, split: str) -> int:
        """Offer every missing shard of a split to the engine, and look what is left; how many it made."""
        shards = self.missing[split]
        if not self.engine.takes_all:  # which claims by itself, and remembers who was silent
            shards = self._seen[split].freed(shards)
        ordered = self.part.ordered(shards) if self.part else shards
        tally = Tally(self.work, split, len(shards))
        with tally.timed():
            for made in self._results(split, ordered, tally):
                self._take(made)
                tally.take(made)
        self.missing[split] = self.work.stores[split].missing(self.work.counts[split])
        tally.settle(len(self.missing[split]))
        return tally.num_shards

    def _results(self, split: str, shards: list[int], tally: Tally) -> Iterator[MadeUnit]:
        if self.engine.takes_all:
            yield from self.engine.results([Unit(split, shards)], tally.on_message)
            return
        units = Units(split, shards, self.engine.num_workers, self.engine.pace)
        for made in self.engine.results(units, tally.on_message):
            units.ended(made)
            yield made

    def _take(self, made: MadeUnit) -> None:
        self._num_made += len(made.written)
        self._num_twice += sum(each.was_there for each in made.written)
        if not self.engine.takes_all:  # which noted them before they were written
            for each in made.written:
                self.invalid.note(made.split, each.invalid)

    def _say_left(self) -> None:
        left = sum(map(len, self.missing.values()))
        self.work.run.say(
            f"part {self.part} has nothing left to take; {self._who()} {left} more shards, and the last "
            f"job to end freezes the set. Watch them with 'kdm pairs who {self._name}'"
        )

    def _say_waiting(self) -> None:
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY:
            self._said_at = now
            left = sum(map(len, self.missing.values()))
            self.work.run.say(
                f"{self._who()} the last {left} shards; waiting for them (Ctrl-C stops waiting)"
            )

    def _who(self) -> str:
        """'process 7 on alpha makes', '2 processes make'."""
        claims = [each for store in self.work.stores.values() for each in holders(store).values()]
        makers = sorted({(str(each.get("machine")), process_number(each)) for each in claims})
        if len(makers) == 1:
            ((host, number),) = makers
            return f"process {number} on {host} makes"
        return f"{len(makers)} processes make"

    @property
    def _name(self) -> str:
        return self.work.stores["train"].folder.name


def _require_space(work: Work, missing: Missing) -> None:
    purpose = f"making {sum(map(len, missing.values()))} shards"
    folder = work.stores["train"].folder
    folder.require_writable(purpose)
    folder.require_space(work.num_bytes(missing), purpose)
