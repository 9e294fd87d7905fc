"""The order of the stages: teacher, pairs, masks, students, numbers, report; each one cached.

A stage doesn't rely on a record of having run: it asks the store, and reports `cached` if nothing is
missing. So every command starts with the stages before its own, which is cheap when they're done.
"""

from collections.abc import Callable, Collection
from typing import Any

from flows.request import STAGES
from flows.stage import Run, StageResult
from flows.stages.distill_all import Call, distill_all
from flows.stages.eval_report import eval_report
from flows.stages.evaluate import evaluate
from flows.stages.filter_pairs import filter_pairs
from flows.stages.generate_pairs import generate_pairs
from flows.stages.required import require_networks, require_trackers
from flows.stages.train_teacher import train_teacher
from storage.did_you_mean import nearest


def directly(stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
    """A direct call."""
    return stage(*arguments)


def run_stages(
    run: Run,
    *,
    until: str = STAGES[-1],
    students: Collection[str] = (),
    call: Call = directly,
) -> list[StageResult]:
    """Run the recipe's stages in order, up to and including `until`; returns their results in order.

    `students` names those to distill (all if empty). Raises a ValueError before any work for
    an unknown stage or student, for students that can't learn the recipe's samples, and for
    metrics that can't measure them.
    """
    chosen = run.recipe.chosen_students(students)
    last = _position(until)
    if last >= STAGES.index("distill") and not chosen:
        raise ValueError(
            f"recipe '{run.recipe.name}' doesn't have students; stop with --until filter-pairs, or "
            "add some"
        )
    if last >= STAGES.index("distill"):
        run.recipe.require_learnable(chosen)
    if last >= STAGES.index("evaluate"):
        run.recipe.require_measurable()
        require_networks(run, chosen)
    require_trackers(run, chosen if last >= STAGES.index("distill") else ())
    teacher = None
    results: list[StageResult] = []
    if run.recipe.teacher is not None:
        teacher = call(train_teacher, run)
        results.append(teacher)
    if last >= STAGES.index("generate-pairs"):
        results.append(call(generate_pairs, run, teacher))
    if last >= STAGES.index("filter-pairs"):
        results.append(call(filter_pairs, run, results[-1]))
    if last < STAGES.index("distill"):
        return results
    judged = results[-1]
    trained = distill_all(run, judged, chosen, call)
    results += trained
    if last >= STAGES.index("evaluate"):
        results += [call(evaluate, run, judged, student) for student in trained]
    if last >= STAGES.index("eval-report"):
        results.append(call(eval_report, run, judged, trained))
    return results


def _position(until: str) -> int:
    if until not in STAGES:
        raise ValueError(f"no stage '{until}'; {nearest(until, list(STAGES))}")
    return STAGES.index(until)
