"""`python -m flows.study.trial_child`: makes one trial, which its parent names on standard input.

Progress, sentences and errors go to standard output, a JSON document a line: {"progress": …}, {"say": …},
{"error": …, "kind": …}, {"made": true}. It ends with its input: a parent that dies, however it does, leaves
no child behind. SIGTERM ends it too, after a checkpoint of its training.
"""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from typing import Any

from flows.exit import Stopped, stop_on_signals
from flows.json_lines import leave, say_line
from storage.imports import many_imports
from storage.redaction import Redacting
from storage.terminal import replace_what_cannot_be_said

_TRAINING_FAILED = 1
_has_ended = threading.Event()


def main() -> int:
    """Make the trial; the exit code."""
    replace_what_cannot_be_said()
    stop_on_signals()
    with many_imports():
        from flows.generation.child_protocol import failed
        from flows.stages.child import TrainingFailedError
        from storage.errors import StoreError

    try:
        with Redacting():
            job = json.loads(sys.stdin.readline())
            threading.Thread(target=_end_with_input, daemon=True).start()
            _make(job)
    except Stopped as stopped:
        return int(stopped.code or 0)
    except (ValueError, StoreError) as error:
        say_line(failed(error))
        return _TRAINING_FAILED if isinstance(error, TrainingFailedError) else 2
    finally:
        _has_ended.set()
    say_line({"made": True})
    return 0


def _make(job: dict[str, Any]) -> None:
    from flows.config.asked import Asked
    from flows.config.recipe import Recipe
    from flows.progress import Progress
    from flows.stage import Run
    from flows.study.made_trial import make_trial
    from kdm.analyze.analysis import GROUP, Analysis
    from storage.folders import folder_at
    from storage.options import parse
    from storage.plugins import configure

    def report(progress: Progress) -> None:
        say_line({"progress": asdict(progress)})

    def say(sentence: str) -> None:
        say_line({"say": sentence})

    run = Run(
        parse(Recipe, job["recipe"], "the recipe"),
        folder_at(job["home"]),
        report,
        job["device"],
        say=say,
        asked=parse(Asked, job["asked"], "the request"),
        is_remembered=False,
    )
    analysis = configure(GROUP, job["analysis"]) if job["analysis"] else None
    assert analysis is None or isinstance(analysis, Analysis)
    make_trial(run, analysis)


def _end_with_input() -> None:
    """Read on until the parent has closed its end, then end this process if it still works."""
    sys.stdin.read()
    if not _has_ended.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    leave(main())
