"""`python -m kdm.training.follow`: tells one tracker what a run leaves on disk, beside the training.

Its stdin says everything: first one JSON object (`Following`), then a line `end` when nothing more will come
to the folder. If stdin closes before, whoever trains has died, and this process ends at once: what it didn't
tell is told by the next one. An error ends it with a traceback, of which the trainer passes on the last line.
"""

import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

from kdm.trackers.tracked_run import RUN, STATE, TrackedRun
from kdm.trackers.tracker import GROUP, TrackerPlugin
from kdm.training.options import TrainingOptions
from kdm.training.run_history import RunHistory
from storage.folders import Folder, folder_at
from storage.options import Options
from storage.plugins import Configured, describe

END = "end"
_GONE = 1
_NICENESS = 10  # below the training, which it must not slow
# Seconds between two looks at the folder: on a disk, and where each look is a request.
_LOOK_EVERY, _LOOK_EVERY_REMOTE = 0.5, 30.0
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)  # whoever trains gets them too


class Following(Options):
    """What one such process does."""

    folder: str  # URL of the run
    tracker: Annotated[TrackerPlugin, Configured(GROUP)]
    training: TrainingOptions
    options: Mapping[str, Any]  # what the run depends on, by dotted names: for people to read


def is_told(folder: Folder, tracker: TrackerPlugin, digest: str) -> bool:
    """Whether a tracker has all that the run's folder says at this digest (`RunHistory.digest`)."""
    name = _state_of(tracker)
    if not digest or not folder.exists(name):
        return False
    told: Any = json.loads(folder.read(name))
    return bool(told == {"digest": digest, "tracker": describe(tracker)})


def _main() -> int:
    """Follow a run to its end; 0 when the tracker has everything."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    asked = Following.model_validate_json(sys.stdin.readline())
    has_ended = threading.Event()
    threading.Thread(target=_listen, args=(has_ended,), daemon=True).start()
    follow(asked, has_ended)
    return 0


def follow(asked: Following, has_ended: threading.Event) -> None:
    """Tell the tracker what it lacks, again and again, until all is told that was there at the end."""
    folder = folder_at(asked.folder)
    run = TrackedRun(folder, _key(folder), asked.options)
    history = RunHistory(folder, asked.training)
    pause = _LOOK_EVERY if folder.is_local else _LOOK_EVERY_REMOTE
    with closing(asked.tracker.open(run)) as tracker:
        told, is_last = tracker.last_step(), has_ended.is_set()
        while True:
            if entries := history.after(told):
                tracker.tell(entries)
                told = entries[-1].step
            if is_last:
                break
            is_last = has_ended.wait(pause)
        if numbers := history.numbers():
            tracker.finish(numbers)
    if digest := history.digest():
        state = {"digest": digest, "tracker": describe(asked.tracker)}
        folder.replace(_state_of(asked.tracker), json.dumps(state).encode())


def _listen(has_ended: threading.Event) -> None:
    """Wait for the end; leave at once if whoever trains is gone, or waits no longer."""
    while line := sys.stdin.readline():
        if line.strip() == END:
            has_ended.set()
    os._exit(_GONE)


def _key(folder: Folder) -> str:
    """The folder's own key, made by the first that asks."""
    folder.create(RUN, json.dumps({"key": secrets.token_hex(8)}).encode())
    return str(json.loads(folder.read(RUN))["key"])


def _state_of(tracker: TrackerPlugin) -> str:
    return f"{STATE}/told-{tracker.plugin}.json"


if __name__ == "__main__":
    sys.exit(_main())
