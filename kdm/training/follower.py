"""One tracker's process beside a training: started, watched, asked to end."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kdm.trackers.tracker import TrackerPlugin
from kdm.training.child_environment import child_environment
from kdm.training.follow import END
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Report
from kdm.training.run_history import flat
from storage.plugins import describe
from storage.redaction import redacted

_AGAIN_AFTER = 60.0  # seconds after a failure


@dataclass(frozen=True)
class Tracked:
    """A run that trackers follow."""

    folder: str  # its URL
    model: Mapping[str, Any]  # its description
    training: TrainingOptions


class Follower:
    """The process of one tracker of a run; `report` gets one warning, whatever fails."""

    def __init__(self, tracker: TrackerPlugin, run: Tracked, report: Report) -> None:
        self._name, self._report = tracker.plugin, report
        self._environment = tracker.environment
        # A digest covers these, so that they are the run's; a tracker is shown nothing else.
        depends_on = {"model": run.model, "training": run.training.identity()}
        self._asked = {
            "folder": run.folder,
            "tracker": describe(tracker),
            "training": run.training.model_dump(mode="json", exclude={"trackers"}),
            "options": dict(flat(depends_on)),
        }
        self._process: subprocess.Popen[str] | None = None
        self._again_at = 0.0  # a moment of the monotonic clock, if it has failed
        self._has_warned = False

    def start(self) -> None:
        """Start it; it begins with what the tracker lacks."""
        try:
            # A file: what nobody reads would fill a pipe, and the process would wait.
            self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
            self._process = self._begun()
        except OSError as error:  # no room for a file, or for a process
            self._fail(str(error))
            return
        self._say(json.dumps(self._asked))

    def look(self) -> None:
        """Warn if it has failed, and start it again in time."""
        if self._has_ended():
            self._fail(self._last_words())
        elif self._process is None and time.monotonic() >= self._again_at:
            self.start()

    def end(self) -> None:
        """Nothing more will come; one that has failed gets a last try."""
        if self._has_ended():
            self._fail(self._last_words())
        if self._process is None:
            self.start()
        self._say(END)

    def wait(self, until: float) -> None:
        """Wait until a moment of the monotonic clock; warn if the tracker lacks something then."""
        if self._process is None:
            return
        try:
            code = self._process.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self._notice("hasn't taken everything in time")
            return
        if code:
            self._fail(self._last_words())

    def leave(self) -> None:
        """End it if it's still there: what it hasn't told, the next one tells."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):  # of what it never read
            self._input.close()
        self._errors.close()
        self._process = None

    def _begun(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kdm.training.follow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            encoding="utf-8",
            env={**child_environment(), **self._environment, "PYTHONIOENCODING": "utf-8"},
        )
        assert process.stdin is not None  # it was opened as a pipe
        self._input = process.stdin
        return process

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _say(self, line: str) -> None:
        if self._process is None:
            return
        with suppress(BrokenPipeError):  # it has ended, which is found out where it's waited for
            self._input.write(line + "\n")
            self._input.flush()

    def _last_words(self) -> str:
        """The last line of its errors, or how it ended."""
        assert self._process is not None  # it has ended
        self._errors.seek(0)
        lines = [each.strip() for each in self._errors if each.strip()]
        code = self._process.returncode
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return redacted(lines[-1]) if lines else how

    def _fail(self, why: str) -> None:
        self._notice(f"failed ({why})")
        self.leave()
        self._again_at = time.monotonic() + _AGAIN_AFTER

    def _notice(self, what: str) -> None:
        """One warning, whatever follows."""
        if not self._has_warned:
            self._has_warned = True
            self._report(
                Notice(
                    f"tracker '{self._name}' {what}; the training isn't affected, and the same command "
                    "tells the tracker later what it lacks"
                )
            )
