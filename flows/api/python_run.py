"""Stages as calls of a Python program: those of the command, quietly, and torch as it was before."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from flows.config.found_pairs import complete_pairs
from flows.config.recipe import Recipe
from flows.config.stored_teacher import complete as complete_teacher
from flows.config.wishes import with_wishes
from flows.device import require_device
from flows.progress import Progress
from flows.stage import Run
from storage.folders import Folder
from storage.options import parse
from storage.redaction import redacted, require_no_secret

LOG = logging.getLogger("kdm")
_SECONDS_BETWEEN_LINES = 5.0


def run_of(document: dict[str, Any], home: Folder, *, what: str, device: str = "auto") -> Run:
    """A run of this recipe at a home; `what` begins the ValueError that names every fault.

    The document is completed with what the home knows of its pairs or its teacher. Reports of the home
    don't cover such a run.
    """
    require_no_secret(_without_objects(document), what)
    require_device(device)
    complete_pairs(document, home)
    complete_teacher(document, home)
    recipe = with_wishes(parse(Recipe, document, what))
    return Run(
        recipe, home, report=progress_log(), device=device, say=said_log, is_remembered=False
    )


def progress_log() -> "ProgressLog":
    """Writes progress to the log `kdm`, as INFO."""
    return ProgressLog()


def said_log(sentence: str) -> None:
    """A sentence for the user, in the same log."""
    LOG.info("%s", redacted(sentence))


@dataclass
class ProgressLog:
    """A line every five seconds."""

    _due: float = 0.0

    def __call__(self, progress: Progress) -> None:
        """Log how far a stage is."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _SECONDS_BETWEEN_LINES
            LOG.info(
                "%s %s: %d of %d %s",
                *(progress.stage, progress.name, progress.done, progress.total, progress.unit),
            )


@contextmanager
def torch_as_before() -> Iterator[None]:
    """Within it stages may set torch up for their own arithmetic."""
    num_threads, is_deterministic = torch.get_num_threads(), torch.backends.cudnn.deterministic
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)
        torch.backends.cudnn.deterministic = is_deterministic


def _without_objects(value: Any) -> Any:
    """Plain values alone, in which a secret could stand."""
    if isinstance(value, Mapping):
        return {key: _without_objects(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_objects(each) for each in value]
    return value if isinstance(value, str | int | float) else None
