"""trackio: rows in its local store, which `trackio show` serves and `trackio sync` publishes.

trackio takes one step twice as two rows, and drops rows with a warning where it can't write. So the store is
asked which step is last, before and after.
"""

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from kdm.trackers.tracked_run import Entry, TrackedRun
from kdm.trackers.tracker import Tracker, TrackerPlugin, lacking
from storage.errors import StoreError

_PLACE = "TRACKIO_DIR"
_ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")  # they would send every row away
_DIGITS = 6  # of the key, in a run's name: trackio finds a run by its name alone


class Trackio(TrackerPlugin):
    """Rows of a run in a project of trackio's local store."""

    plugin = "trackio"
    package: ClassVar[str] = "trackio"
    extra: ClassVar[str] = "trackio"
    # Documented by huggingface_hub and Gradio; without the first trackio asks the Hub for the user's name.
    environment: ClassVar[Mapping[str, str]] = {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
    }

    project: str = "kdm"  # the project that runs are filed under

    @property
    def needs_disk(self) -> bool:
        """Unless the environment names another place for the store."""
        return not os.environ.get(_PLACE)

    def open(self, run: TrackedRun) -> "TrackioRun":
        """The run by its name."""
        if self.needs_disk:
            os.environ[_PLACE] = str(run.shared_path("trackio"))
        for name in _ELSEWHERE:
            os.environ.pop(name, None)
        return TrackioRun(run, self.project)


class TrackioRun(Tracker):
    """One run; rows are in the store when a call returns."""

    def __init__(self, run: TrackedRun, project: str) -> None:
        # Imported here: it reads where its store is as it's imported.
        import trackio
        from trackio.sqlite_storage import SQLiteStorage

        self._trackio: Any = trackio
        self._store: Any = SQLiteStorage
        self._project, self._options = project, dict(run.options)
        self._name = f"{run.name}-{run.key[:_DIGITS]}"

    def last_step(self) -> int:
        """The highest step of the run's rows."""
        return int(self._store.get_max_step_for_run(self._project, self._name) or 0)

    def tell(self, entries: Sequence[Entry]) -> None:
        """One row for each."""
        from PIL import Image

        rows = []
        for entry in entries:
            pictures = {
                name: self._trackio.Image(Image.open(io.BytesIO(png)))
                for name, png in entry.pictures.items()
            }
            rows.append((entry.step, {**entry.values, **pictures}))
        self._log(rows)

    def finish(self, numbers: Mapping[str, float]) -> None:
        """A row after the last step, unless it's there."""
        rows = self._store.get_logs(self._project, self._name)
        last = rows[-1] if rows else {}
        if lacking(last, numbers):
            self._log([(self.last_step() + 1, dict(numbers))])

    def close(self) -> None:
        """Nothing is held back."""

    def _log(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Write rows, and see that they are there."""
        run = self._trackio.init(
            self._project,
            name=self._name,
            resume="allow",
            config=self._options,
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        for step, row in rows:
            run.log(dict(row), step=step)
        run.finish()
        if self.last_step() != rows[-1][0]:
            raise StoreError(f"trackio's store lacks step {rows[-1][0]}, which it was given")
