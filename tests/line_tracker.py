"""A tracker of the tests' own, as a foreign package brings one: a line a step, or a failure."""

from pathlib import Path

from installed_packages import install

# Appends a line a step to a file, and is killed by itself, or fails, before a step if it's told to.
LINES = """
import json, os, signal
from kdm.trackers.tracker import Tracker, TrackerPlugin

class Plugin(TrackerPlugin):
    plugin = "lines"
    killed_before: int | None = None
    fails_before: int | None = None

    @property
    def needs_disk(self):
        return True

    def open(self, run):
        return Lines(run.folder.local_path("lines"), self)

class Lines(Tracker):
    def __init__(self, path, options):
        self.path, self.options = path, options

    def last_step(self):
        return max((each["step"] for each in lines(self.path)), default=0)

    def tell(self, entries):
        for entry in entries:
            self.stumble(entry.step)
            self.append({"step": entry.step, "values": dict(entry.values), "at": entry.at,
                         "pictures": list(entry.pictures)})

    def stumble(self, step):
        if self.options.killed_before is not None and step >= self.options.killed_before:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.options.fails_before is not None and step >= self.options.fails_before:
            raise OSError(28, "no room for " + os.environ.get("LINES_SECRET", "it"))

    def finish(self, numbers):
        self.append({"step": 0, "final": dict(numbers)})

    def append(self, line):
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\\n")

    def close(self):
        pass

def lines(path):
    return map(json.loads, path.read_text().splitlines()) if path.exists() else []
"""


def install_lines(place: Path) -> Path:
    """The package on a folder for PYTHONPATH."""
    (install(place, "lines", "[kdm.trackers]\nlines = lines:Plugin\n") / "lines.py").write_text(
        LINES
    )
    return place
