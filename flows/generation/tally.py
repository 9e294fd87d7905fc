"""Progress and rate of one pass over a split's missing shards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.documents.timings import note_timing
from flows.generation.unit import MadeUnit
from flows.generation.work import Work
from pairgen.ordered_pool import Message

STAGE = "generate-pairs"


@dataclass
class Tally:
    """What this command's workers have made in the pass."""

    work: Work
    split: str
    num_missing: int
    num_shards: int = 0
    _num_done: int = 0  # samples
    _num_evaluations: int = 0
    _cpu_seconds: float = 0.0
    _machines: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        name = f"{self.work.pairs.name} {self.split}"
        num_samples = self.num_missing * self.work.shard_size
        self._meter = self.work.run.meter(STAGE, name, num_samples, "pairs")
        self._note = f"{self.work.spec.nfe} evaluations a sample" if self.work.spec.nfe else ""
        self._meter.at(0)

    def on_message(self, said: Message) -> None:
        """A sentence for the user, or so many more samples that are done."""
        if isinstance(said, str):
            self.work.run.say(said)
            return
        self._num_done += said
        self._meter.at(min(self._num_done, self._meter.total), self._note)

    def take(self, made: MadeUnit) -> None:
        """A unit has ended."""
        self.num_shards += len(made.written)
        self._num_evaluations += sum(each.num_evaluations for each in made.written)
        self._cpu_seconds += made.cpu_seconds
        self._machines.add(made.machine)

    def settle(self, num_left: int) -> None:
        """So many shards are left: what others have made, or a process that died, counts too."""
        num_there = (self.num_missing - num_left) * self.work.shard_size
        if num_there != self._num_done:
            self._meter.at(num_there, self._note)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Note the rate at which this pass made samples."""
        began = time.perf_counter()
        yield
        if not self.num_shards:
            return
        num_samples = self.num_shards * self.work.shard_size
        timing = {
            "nfe": round(self._num_evaluations / num_samples),
            "num_samples": num_samples,
            "samples_per_second": num_samples / (time.perf_counter() - began),
            "samples_per_cpu_second": num_samples / max(self._cpu_seconds, 1e-9),
            "machine": " and ".join(sorted(self._machines)),
        }
        # The training split is the larger one, so its rate is reported.
        name = "sampling" if self.split == "train" else self.split
        note_timing(self.work.stores[self.split].folder, name, timing)
