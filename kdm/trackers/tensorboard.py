"""TensorBoard's event files, by the messages of tensorboardX; TensorBoard itself reads them.

Its `SummaryWriter` is left alone: it writes from a thread, which a full disk would end in silence, and
it doesn't say what it has written.
"""

import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from kdm.trackers.event_files import framed, records
from kdm.trackers.tracked_run import Entry, TrackedRun
from kdm.trackers.tracker import Tracker, TrackerPlugin, lacking

FOLDER = "tensorboard"
_PREFIX = "events.out.tfevents."
_VERSION = "brain.Event:2"
_RGB = 3  # summary.proto: colour space of an image
_SIZE_OF_PNG = slice(16, 24)  # width and height, big-endian (PNG, 11.2.2)


class TensorBoard(TrackerPlugin):
    """Event files in the run's folder; `tensorboard --logdir HOME` shows them."""

    plugin = "tensorboard"
    package: ClassVar[str] = "tensorboardX"
    extra: ClassVar[str] = "tensorboard"

    @property
    def needs_disk(self) -> bool:
        """Always: TensorBoard reads a folder."""
        return True

    def open(self, run: TrackedRun) -> "EventFile":
        """A separate file for each start, by time, so that a later one is read last."""
        return EventFile(run.folder.local_path(FOLDER))


class EventFile(Tracker):
    """One event file, flushed at each entry; it is made with the first."""

    def __init__(self, folder: Path) -> None:
        # A type of protobuf's making, which mypy can't see.
        from tensorboardX.proto.event_pb2 import Event

        self._event: Any = Event
        self._folder = folder
        self._file: Any = None

    def last_step(self) -> int:
        """The highest step in all files of the folder; a record that was cut counts for nothing."""
        told = (event.step for event in self._standing() if event.HasField("summary"))
        return max(told, default=0)

    def tell(self, entries: Sequence[Entry]) -> None:
        """One event for each."""
        for entry in entries:
            found: list[dict[str, Any]] = [_number(*each) for each in entry.values.items()]
            found += [_image(*each) for each in entry.pictures.items()]
            self._append(step=entry.step, wall_time=entry.at, summary={"value": found})

    def finish(self, numbers: Mapping[str, float]) -> None:
        """One event for those numbers that aren't there, at the last step."""
        asked = self._event(summary={"value": [_number(*each) for each in numbers.items()]})
        told = {name: value for each in self._standing() for name, value in _numbers(each)}
        new = lacking(told, dict(_numbers(asked)))
        if new:
            found = [_number(*each) for each in new.items()]
            self._append(step=self.last_step(), wall_time=time.time(), summary={"value": found})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _standing(self) -> Iterator[Any]:
        for path in sorted(self._folder.glob(f"{_PREFIX}*")):
            yield from map(self._event.FromString, records(path.read_bytes()))

    def _append(self, **parts: Any) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = (self._folder / f"{_PREFIX}{time.time():.6f}").open("xb")
            self._append(wall_time=parts["wall_time"], file_version=_VERSION)
        self._file.write(framed(self._event(**parts).SerializeToString()))
        self._file.flush()


def _number(name: str, value: float) -> dict[str, Any]:
    return {"tag": name, "simple_value": value}


def _numbers(event: Any) -> Iterator[tuple[str, float]]:
    """By their names, in float32 as the file has them."""
    for value in event.summary.value:
        if value.HasField("simple_value"):
            yield value.tag, value.simple_value


def _image(name: str, png: bytes) -> dict[str, Any]:
    width, height = struct.unpack(">II", png[_SIZE_OF_PNG])
    size = {"height": height, "width": width, "colorspace": _RGB}
    return {"tag": name, "image": {**size, "encoded_image_string": png}}
