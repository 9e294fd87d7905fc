"""What people see of a run while it trains: progress, pace, pictures. No number depends on it.

Progress goes to `report` a few times a second, pictures into the run's folder. Trackers read what is on disk
(kdm/training/run_history.py).
"""

import time

from kdm.image_grid import png
from kdm.objective import Objective
from kdm.trained import PICTURES
from kdm.training.checkpoint import Pace
from kdm.training.ema import Ema
from kdm.training.options import TrainingOptions
from kdm.training.progress import Meter, Report
from kdm.training.sample_pictures import drawn, is_due
from storage.folders import Folder


class Watch:
    """Tells `report` how a run is doing, and draws its samples into `folder`."""

    def __init__(
        self,
        objective: Objective,
        ema: Ema,
        options: TrainingOptions,
        folder: Folder,
        *,
        report: Report,
    ) -> None:
        self._objective, self._ema = objective, ema
        self._options, self._folder, self._report = options, folder, report
        self._first_step = 0
        self._logged_at = 0, 0.0

    def start_from(self, step: int) -> None:
        """The run trains on after `step` steps."""
        self._first_step = step
        self._start_clocks(step)

    def pace(self, step: int) -> Pace:
        """When an entry of the loss history was made, and how fast samples went by since the last one."""
        (before, then), now = self._logged_at, time.monotonic()
        self._logged_at = step, now
        rate = (step - before) / max(now - then, 1e-9) * self._options.batch_size
        return step, round(time.time(), 3), round(rate, 3)

    def stepped(self, step: int) -> None:
        """Draw a picture after `step` steps if one is due."""
        if step == self._first_step + 1:
            self._start_clocks(step)  # the first step also compiles, or loads its kernels
        if not is_due(self._options, step):
            return
        colours = drawn(self._objective, self._ema, is_compiled=self._options.is_compiled)
        if colours is None:
            return
        self._folder.replace(f"{PICTURES}/step-{step:08d}.png", png(colours))

    def say(self, step: int, losses: dict[str, float], *, is_last: bool = False) -> None:
        """Report progress after `step` steps, unless the last report was a moment ago."""
        if is_last or self._meter.is_due():
            self._report(self._meter.at(step, losses))

    def _start_clocks(self, step: int) -> None:
        options = self._options
        self._meter = Meter(step, options.num_steps, batch_size=options.batch_size)
        self._logged_at = step, time.monotonic()
