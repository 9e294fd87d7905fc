"""Stage `distill` for all students of a run: in turn, or several at once, each in a child process of its own.

How many are trained at once changes no byte. A student that is finished (`after`) follows the one that it was
before, so that no training is begun twice.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, Protocol

from flows.config.student_recipe import StudentRecipe
from flows.lanes import side_by_side
from flows.progress import unsaid
from flows.stage import Run, StageResult
from flows.stages.child import GRACE_SECONDS
from flows.stages.distill import distill
from pairgen.cores import num_cores
from storage.redaction import redacted

_LOG = logging.getLogger(__name__)


class _MissingError(Exception):
    """A student isn't there yet."""


class Call(Protocol):
    """How a stage is called: directly, or as a task of an orchestrator."""

    def __call__(self, stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
        """The stage's result."""


def distill_all(
    run: Run, judged: StageResult, students: Sequence[StudentRecipe], call: Call
) -> list[StageResult]:
    """The students' results, in their order."""

    def train(some: Sequence[StudentRecipe]) -> list[StageResult]:
        return [call(distill, run, judged, student) for student in some]

    missing = _missing(run, judged, students) if run.at_once != 1 and len(students) > 1 else []
    lines = _lines(missing)
    num = _num_at_once(run, missing) if len(lines) > 1 else 1
    if missing:
        _LOG.info("%d students aren't trained; %d at a time", len(missing), min(num, len(lines)))
    if num == 1:
        return train(students)
    left = {each.name for each in missing}
    there = train([each for each in students if each.name not in left])
    trained = side_by_side(
        [partial(train, line) for line in lines],
        min(num, len(lines)),
        grace_seconds=GRACE_SECONDS,
        tell=partial(_tell, run),
    )
    found = {each.facts["student"]: each for each in chain(there, *trained)}
    return [found[student.name] for student in students]


def _missing(
    run: Run, judged: StageResult, students: Sequence[StudentRecipe]
) -> list[StudentRecipe]:
    """Those with something to train; a ValueError or StoreError, before any is trained, if one can't be."""
    only_look = replace(run, before_work=_refuse, say=unsaid)
    return [each for each in students if not _is_there(only_look, judged, each)]


def _is_there(run: Run, judged: StageResult, student: StudentRecipe) -> bool:
    try:
        distill(run, judged, student)
    except (_MissingError, OSError):  # a task retries after a flaky disk or network
        return False
    return True


def _refuse() -> None:
    raise _MissingError


def _lines(students: Sequence[StudentRecipe]) -> list[list[StudentRecipe]]:
    """Students that are trained in turn: one, and what comes of it."""
    lines: dict[str, list[StudentRecipe]] = {}
    for student in students:
        lines.setdefault(student.after or student.name, []).append(student)
    return list(lines.values())


def _num_at_once(run: Run, students: Sequence[StudentRecipe]) -> int:
    """As many as asked for; else as cores allow, or one if they would share a GPU or need several ranks."""
    if run.at_once is not None:
        return run.at_once
    if run.ranks.num > 1 or run.settled_device != "cpu":
        return 1
    return max(1, num_cores() // max(each.training.num_threads for each in students))


def _tell(run: Run, error: BaseException) -> None:
    if isinstance(error, Exception):
        run.say(
            f"a student failed: {redacted(str(error))}; those that are being trained go on to their end first"
        )
