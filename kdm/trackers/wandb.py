"""Weights & Biases, offline: files in the run's folder, which `wandb sync` uploads as one run.

W&B writes its file late: all that it took since its start may be missing after a kill. So each start reads
which steps are there, and writes a further file for the same run with those that aren't.
"""

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from kdm.trackers.tracked_run import Entry, TrackedRun
from kdm.trackers.tracker import Tracker, TrackerPlugin
from kdm.trackers.wandb_files import is_begun, steps_of

FOLDER = "wandb"  # that W&B makes in the folder that it's given
_SETTINGS = {  # of W&B: what it would record of the machine and the process besides what it's told
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "silent": True,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
}


class Wandb(TrackerPlugin):
    """Offline files of one run: `wandb sync RUN/wandb/offline-run-*` uploads them."""

    plugin = "wandb"
    package: ClassVar[str] = "wandb"
    extra: ClassVar[str] = "wandb"
    # W&B's documented variables: no network, no reports of its own errors.
    environment: ClassVar[Mapping[str, str]] = {
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
    }

    project: str = "kdm"  # the project that runs are filed under

    @property
    def needs_disk(self) -> bool:
        """Always: its files are there until somebody uploads them."""
        return True

    def open(self, run: TrackedRun) -> "WandbRun":
        """The run with this key; W&B itself is started with the first entry."""
        return WandbRun(run, self.project)


class WandbRun(Tracker):
    """One run, in as many files as it had starts."""

    def __init__(self, run: TrackedRun, project: str) -> None:
        self._run, self._project = run, project
        self._open: Any = None

    def last_step(self) -> int:
        """The highest step in all files of the run; one that a kill left without anything is removed."""
        last = 0
        for file in self._files():
            if is_begun(file):
                last = max([last, *steps_of(file)])
            else:
                shutil.rmtree(file.parent)
        return last

    def tell(self, entries: Sequence[Entry]) -> None:
        """One row of the history for each, with the time of the training."""
        from PIL import Image
        from wandb import Image as Shown

        for entry in entries:
            pictures = {
                name: Shown(Image.open(io.BytesIO(png))) for name, png in entry.pictures.items()
            }
            row = {**entry.values, **pictures, "_timestamp": entry.at}
            self._begun().log(row, step=entry.step, commit=True)

    def finish(self, numbers: Mapping[str, float]) -> None:
        """The run's summary."""
        self._begun().summary.update(dict(numbers))

    def close(self) -> None:
        """Write all that W&B has taken, and wait for the process that does it: `finish` doesn't."""
        if self._open is not None:
            import wandb

            self._open.finish()
            wandb.teardown()

    def _begun(self) -> Any:
        if self._open is None:
            import wandb

            self._open = wandb.init(
                project=self._project,
                id=self._run.key,
                name=self._run.name,
                config=dict(self._run.options),
                dir=str(self._run.folder.local_path()),
                mode="offline",
                resume="allow",
                settings=wandb.Settings(**_SETTINGS),
            )
        return self._open

    def _files(self) -> list[Path]:
        folder = self._run.folder.local_path(
            FOLDER
        )  # a second start in a second has a name with -1
        return sorted(folder.glob(f"offline-run-*-{self._run.key}*/run-{self._run.key}.wandb"))
