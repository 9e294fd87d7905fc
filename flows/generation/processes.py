"""The engine of one machine: a process for each GPU or core, each with the teacher loaded.

A child that dies is started again with the same unit; the shards that it had written are found.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, NamedTuple

from flows.child_process import ask_to_stop, started, stop
from flows.generation.child_protocol import begun, made_unit
from flows.generation.engine import NoteInvalid, OnMessage
from flows.generation.unit import MadeUnit, Unit
from flows.generation.units import Pace
from flows.generation.work import Announcement, Work
from flows.json_lines import error_of
from pairgen.cores import num_cores
from storage.errors import StoreError

GRACE_SECONDS = 10  # for a child to stop: it ends within one evaluation of its teacher
_MOST_DEATHS = 3  # of children one after the other, without a unit made in between
_NUM_LINES_KEPT = 20


class _Line(NamedTuple):
    """What a child said; None: it has ended."""

    child: "_Child"
    said: dict[str, Any] | None


@dataclass(eq=False)
class _Child:
    """A generating process, and the thread that reads what it says."""

    number: int
    process: subprocess.Popen[str]
    unit: Unit | None = None
    num_done: int = 0  # samples of the unit
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=_NUM_LINES_KEPT))

    def listen(self, heard: "SimpleQueue[_Line]") -> None:
        """Pass on every line until the process ends; what isn't a document is kept as its last words."""
        assert self.process.stdout is not None  # it was opened as a pipe
        with self.process.stdout as lines:
            for line in lines:
                try:
                    said = json.loads(line) if line.startswith("{") else None
                except ValueError:
                    said = None
                if isinstance(said, dict):
                    heard.put(_Line(self, said))
                else:
                    self.last_words.append(line.rstrip())
        self.process.wait()
        heard.put(_Line(self, None))

    def tell(self, document: Mapping[str, Any]) -> None:
        """Write a line; a child that has just died is noticed by its end."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(document) + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """End the process and its group."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        stop(self.process, GRACE_SECONDS)


@dataclass
class Processes:
    """The children; each makes one unit at a time."""

    num_workers: int
    work: dict[str, Any]
    announcement: Announcement
    devices: list[str]  # CUDA_VISIBLE_DEVICES of each child, or ""
    pace: Pace = field(default_factory=Pace)
    takes_all: bool = False
    _children: dict[int, _Child] = field(default_factory=dict)
    _heard: "SimpleQueue[_Line]" = field(default_factory=SimpleQueue)
    _num_deaths: int = 0

    def results(self, units: Iterable[Unit], on_message: OnMessage) -> Iterator[MadeUnit]:
        """Give each child a unit, and the next when it has ended one."""
        left = iter(units)
        for number in range(self.num_workers):
            self._give(number, next(left, None))
        while any(child.unit for child in self._children.values()):
            child, said = self._heard.get()
            if self._children.get(child.number) is not child:
                continue  # the last lines of one that was replaced
            if said is None:
                on_message(-child.num_done)
                self._replace(child)
            elif "error" in said:
                raise error_of(said)
            elif "say" in said:
                on_message(said["say"])
            elif "did" in said:
                child.num_done += said["did"]
                on_message(said["did"])
            elif (made := made_unit(said)) is not None:
                self._num_deaths, child.unit = 0, None
                yield made
                self._give(child.number, next(left, None))

    def _give(self, number: int, unit: Unit | None) -> None:
        """Have the child of this number make a unit; start it if it doesn't run."""
        if unit is None:
            return
        child = self._children.get(number)
        if child is None or child.process.poll() is not None:
            child = self._children[number] = self._started(number)
        child.unit, child.num_done = unit, 0
        child.tell({"split": unit.split, "shards": list(unit.shards)})

    def _started(self, number: int) -> _Child:
        device = self.devices[number]
        process = started(
            [sys.executable, "-P", "-m", "flows.generation.generating_child"],
            stdin=subprocess.PIPE,
            more={"CUDA_VISIBLE_DEVICES": device} if device else None,
        )
        child = _Child(number, process)
        threading.Thread(target=child.listen, args=(self._heard,), daemon=True).start()
        child.tell(begun(self.work, self.announcement if number == 0 else None))
        return child

    def _replace(self, dead: _Child) -> None:
        """Start another in its place, with the same unit."""
        self._num_deaths += 1
        code, last = dead.process.returncode, "\n".join(dead.last_words) or "it said nothing"
        if self._num_deaths >= _MOST_DEATHS:
            raise StoreError(
                f"generating processes died {_MOST_DEATHS} times without a unit made, the last with exit "
                f"code {code} (-9: killed, often for memory: choose fewer --workers or a smaller "
                f"--batch); run the same command again to continue. Its last words:\n{last}"
            )
        dead.stop()
        self._give(dead.number, dead.unit)

    def stop(self) -> None:
        """End all children, at once."""
        for child in self._children.values():
            ask_to_stop(child.process)
        for child in self._children.values():
            child.stop()


@contextmanager
def processes(
    work: Work, _note_invalid: NoteInvalid, announcement: Announcement, *, num_shards: int
) -> Iterator[Processes]:
    """Start children as units come; each loads the teacher by itself."""
    num_workers = min(work.pairs.num_workers or _num_auto(work), num_shards)
    shared = Announcement(announcement.num_pairs, announcement.num_bytes, num_workers)
    engine = Processes(num_workers, work.document(), shared, _devices(work, num_workers))
    try:
        yield engine
    finally:
        engine.stop()


def _num_auto(work: Work) -> int:
    if work.run.settled_device == "cuda":
        return len(_visible_gpus())
    return max(1, num_cores() // work.pairs.num_threads)


def _devices(work: Work, num_workers: int) -> list[str]:
    if work.run.settled_device != "cuda":
        return [""] * num_workers
    visible = _visible_gpus()
    return [visible[number % len(visible)] for number in range(num_workers)]


def _visible_gpus() -> list[str]:
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return named.split(",") if named else [str(n) for n in range(torch.cuda.device_count())]
