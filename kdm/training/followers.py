"""The trackers of a run: a process for each, beside the training, which they can't stop, slow or change.

A tracker that fails is one warning. It is tried again a minute later, and by the next command that asks for
this run: a new process tells what the tracker lacks, from the run's folder.
"""

import time
from types import TracebackType

from kdm.trackers.choice import require_installed
from kdm.trackers.tracker import TrackerPlugin
from kdm.trained import read_config
from kdm.training.follow import is_told
from kdm.training.follower import Follower, Tracked
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Progress, Report
from kdm.training.run_history import RunHistory
from storage.folders import Folder, folder_at

_END_SECONDS = 60.0  # for all trackers of a run that is done, before they're left behind


class Followers:
    """The trackers that a run names, from `with` on; a `Report` itself, which passes on what it gets.

    Raises a ValueError on construction if a tracker's package isn't installed. One that writes to a disk is
    left out, with a notice, if the run's folder isn't on one.
    """

    def __init__(self, run: Tracked, report: Report) -> None:
        self._report = report
        asked = run.training.trackers or ()
        require_installed(asked)
        here = [each for each in asked if _can_write(each, folder_at(run.folder), report)]
        self._all = [Follower(each, run, report) for each in here]

    def __enter__(self) -> "Followers":
        for each in self._all:
            each.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        for each in self._all:
            each.leave()

    def __call__(self, said: Progress | Notice) -> None:
        """Pass on a report, and start what has failed a minute ago again."""
        self._report(said)
        for each in self._all:
            each.look()

    def finish(self) -> None:
        """The run is done: wait until the trackers have everything, but not for ever."""
        until = time.monotonic() + _END_SECONDS
        for each in self._all:
            each.end()
        for each in self._all:
            each.wait(until)


def catch_up(folder: Folder, training: TrainingOptions, report: Report) -> None:
    """Tell the trackers of a run that is done what they lack; at once if they lack nothing."""
    config = read_config(folder) if training.trackers else None
    if config is None:
        return
    digest = RunHistory(folder, training).digest()
    asked = training.trackers or ()
    lacking = tuple(each for each in asked if not is_told(folder, each, digest))
    if lacking:
        left = training.model_copy(update={"trackers": lacking})
        with Followers(Tracked(folder.url, config["model"], left), report) as followers:
            followers.finish()


def _can_write(tracker: TrackerPlugin, folder: Folder, report: Report) -> bool:
    """Whether the tracker can write where the run is, or needs no place there; a notice if not."""
    if folder.is_local or not tracker.needs_disk:
        return True
    report(
        Notice(
            f"tracker '{tracker.plugin}' writes to a local disk, and {folder.url} isn't on one; "
            "training continues without it"
        )
    )
    return False
