"""What people see of a run while it trains: progress, trackers, pictures. No number depends on it.

Progress goes to `report` a few times a second, losses to the trackers whenever they are logged, pictures
into the run's folder and to the trackers.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kdm.image_grid import png
from kdm.objective import Objective
from kdm.trained import PICTURES
from kdm.training.ema import Ema
from kdm.training.options import TrainingOptions
from kdm.training.progress import Meter, Report
from kdm.training.run_trackers import Trackers
from kdm.training.sample_pictures import drawn, is_due
from kdm.training.schedule import learning_rate
from storage.folders import Folder


class Watch:
    """Tells `report` and the trackers how a run is doing, and draws its samples into `folder`."""

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
        self._trackers = Trackers(objective, options, folder, report=report)
        self._first_step = 0
        self._logged_at = 0, 0.0

    @contextmanager
    def from_step(self, step: int) -> Iterator[None]:
        """Keep trackers open in the block, in which a run trains on after `step` steps."""
        self._first_step = step
        self._start_clocks(step)
        with self._trackers.opened(first_step=step + 1):
            yield

    def logged(self, step: int, losses: Mapping[str, float]) -> None:
        """Send an entry of the loss history to the trackers, with rate and samples a second."""
        (before, then), now = self._logged_at, time.monotonic()
        self._logged_at = step, now
        values = {f"loss/{name}": value for name, value in losses.items()}
        values["learning_rate"] = learning_rate(self._options, step - 1)
        if step > before:
            rate = (step - before) / max(now - then, 1e-9)
            values["samples_per_second"] = rate * self._options.batch_size
        self._trackers.scalars(step, values)

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
        self._trackers.picture(step, PICTURES, colours)

    def say(self, step: int, losses: dict[str, float], *, is_last: bool = False) -> None:
        """Report progress after `step` steps, unless the last report was a moment ago."""
        if is_last or self._meter.is_due():
            self._report(self._meter.at(step, losses))

    def _start_clocks(self, step: int) -> None:
        options = self._options
        self._meter = Meter(step, options.num_steps, batch_size=options.batch_size)
        self._logged_at = step, time.monotonic()
