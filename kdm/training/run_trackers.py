"""The trackers of one run: those that its options name, or TensorBoard's if it draws pictures."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import cast

from kdm.objective import Objective
from kdm.trackers.tracker import DEFAULT, GROUP, Picture, Tracker, TrackerPlugin
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Report
from storage.folders import Folder
from storage.plugins import configure


class Trackers:
    """Several trackers as one; empty before `opened`.

    A tracker that writes to a disk is left out if the run's folder isn't on one; `report` gets a
    notice of that if the options name it.
    """

    def __init__(
        self, objective: Objective, options: TrainingOptions, folder: Folder, *, report: Report
    ) -> None:
        self._objective, self._options = objective, options
        self._folder, self._report = folder, report
        self._open: list[Tracker] = []

    @contextmanager
    def opened(self, *, first_step: int) -> Iterator[None]:
        """Keep the trackers open in the block; their next entry may come after `first_step` steps."""
        with ExitStack() as stack:
            for plugin in self._chosen():
                tracker = plugin.open(self._folder, first_step=first_step)
                self._open.append(stack.enter_context(closing(tracker)))
            yield

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name after `step` steps, for all of them."""
        for tracker in self._open:
            tracker.scalars(step, values)

    def picture(self, step: int, name: str, image: Picture) -> None:
        """A picture (height, width, 3) after `step` steps, for all of them."""
        for tracker in self._open:
            tracker.picture(step, name, image)

    def _chosen(self) -> Iterator[TrackerPlugin]:
        """The trackers to open: all requested ones that can write to the run's folder."""
        for plugin in self._asked_for():
            if self._folder.is_local or not plugin.needs_disk:
                yield plugin
            elif self._options.trackers is not None:
                self._report(
                    Notice(
                        f"tracker '{plugin.plugin}' writes to a local disk, and "
                        f"{self._folder.url} isn't on one; training continues without it"
                    )
                )

    def _asked_for(self) -> tuple[TrackerPlugin, ...]:
        """Those that the options name; by default TensorBoard's, for a model that draws pictures."""
        if self._options.trackers is not None:
            return self._options.trackers
        if self._objective.draw is None:
            return ()
        return (cast(TrackerPlugin, configure(GROUP, DEFAULT)),)
