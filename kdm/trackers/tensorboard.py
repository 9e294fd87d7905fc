"""TensorBoard's event files, by the records and messages of tensorboardX; TensorBoard itself reads them.

Its `SummaryWriter` is left alone: it writes from a thread, which a full disk would end in silence.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from kdm.image_grid import png
from kdm.trackers.tracker import Picture, Tracker, TrackerPlugin
from storage.errors import StoreError
from storage.folders import Folder

FOLDER = "tensorboard"
_VERSION = "brain.Event:2"
_RGB = 3  # summary.proto: colour space of an image


class TensorBoard(TrackerPlugin):
    """Event files in the run's folder; `tensorboard --logdir HOME` shows them."""

    plugin = "tensorboard"
    needs_disk: ClassVar[bool] = True

    def open(self, folder: Folder, *, first_step: int) -> "EventFile":
        """A separate file for each start, by time, so that a later one is read last."""
        return EventFile(folder.local_path(FOLDER), first_step)


class EventFile(Tracker):
    """One event file, flushed at each entry."""

    def __init__(self, folder: Path, first_step: int) -> None:
        # Imported here: they take a second of a training process that may not have a tracker.
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.record_writer import RecordWriter

        self._event: Any = Event
        self._path = folder / f"events.out.tfevents.{time.time():.6f}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._records = RecordWriter(str(self._path))
        except OSError as error:
            raise self._failed(error) from error
        self._append(file_version=_VERSION)
        # A session starts: readers drop what an earlier one wrote of this step and later.
        self._append(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One event for all of them."""
        found = [{"tag": name, "simple_value": value} for name, value in values.items()]
        self._append(step=step, summary={"value": found})

    def picture(self, step: int, name: str, image: Picture) -> None:
        """The picture as a PNG."""
        height, width, _ = image.shape
        size = {"height": height, "width": width, "colorspace": _RGB}
        shown = {"tag": name, "image": {**size, "encoded_image_string": png(image)}}
        self._append(step=step, summary={"value": [shown]})

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _append(self, **parts: Any) -> None:
        event = self._event(wall_time=time.time(), **parts)
        try:
            self._records.write(event.SerializeToString())
            self._records.flush()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self._path} cannot be written ({error.strerror}); make room, or train without it: "
            "set training.trackers to []"
        )
