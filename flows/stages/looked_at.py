"""What a run would make: every stage is asked whether its result is there, and none begins its work.

A stage whose input isn't there yet can't be asked: a result is named by the digest of what goes into it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from flows.config.recipe import Recipe
from flows.config.student_recipe import StudentRecipe
from flows.stage import Run, StageResult
from flows.stages.making_costs import Cost, pairs_cost, training_cost
from flows.stages.sequence import run_stages
from storage.folders import WouldWriteError, folder_at, untouched

State = Literal["cached", "to make", "unknown"]
_ABSENT = "absent"  # the fact of a result that isn't there: 'to make' or 'unknown'


class Step(NamedTuple):
    """A stage's result, whether it is there, and what making it takes, as far as that is known."""

    stage: str
    name: str
    state: State
    cost: Cost


class _WorkBeginsError(Exception):
    """A stage has something to make."""


def looked_at(run: Run, *, until: str, students: Collection[str] = ()) -> list[Step]:
    """Each stage up to and including `until`, in order; nothing is written.

    Raises the errors that `run_stages` raises before any work.
    """
    look = _Look(run.recipe)
    with untouched():
        home = folder_at(run.home.url)  # opened again, so that it's guarded too
        # In turn, so that each student is asked through `look`.
        asking = replace(run, home=home, before_work=_refuse, at_once=1, is_remembered=False)
        run_stages(asking, until=until, students=students, call=look)
    return look.steps


def _refuse() -> None:
    raise _WorkBeginsError


@dataclass
class _Look:
    """How `run_stages` calls a stage here: it may find its result, and otherwise something stands for it."""

    recipe: Recipe
    steps: list[Step] = field(default_factory=list)

    def __call__(self, stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
        """The stage's result, or what stands for it."""
        name, inputs = stage.__name__.replace("_", "-"), arguments[1:]
        state = _state_without_asking(self.recipe, name, inputs)
        if state is None:
            try:
                found = stage(*arguments)
            except (_WorkBeginsError, WouldWriteError):
                state = "to make"
            else:
                self.steps.append(Step(name, found.name, "cached", {}))
                return found
        own = _name_of(self.recipe, name, inputs)
        self.steps.append(Step(name, own, state, _cost(arguments[0], name, inputs)))
        return StageResult(name, own, "", "", "done", {_ABSENT: state})


def _state_without_asking(recipe: Recipe, stage: str, inputs: Sequence[Any]) -> State | None:
    """What follows from inputs that aren't there; None if all are."""
    if stage == "generate-pairs" and recipe.pairs.kind == "imported":
        return "unknown"  # the source would be read in whole
    absent = {result.facts[_ABSENT] for result in _results(inputs) if _ABSENT in result.facts}
    if not absent:
        return None
    # A student that isn't there was never measured, and a report lacks it.
    is_sure = stage in ("evaluate", "eval-report") and absent == {"to make"}
    return "to make" if is_sure else "unknown"


def _results(inputs: Sequence[Any]) -> Iterator[StageResult]:
    for each in inputs:
        if isinstance(each, StageResult):
            yield each
        elif isinstance(each, Sequence):
            yield from _results(each)


def _name_of(recipe: Recipe, stage: str, inputs: Sequence[Any]) -> str:
    """The recipe's name for what isn't there, and so has no digest yet."""
    if stage == "train-teacher":
        return recipe.teacher.name if recipe.teacher else recipe.name
    if stage in ("generate-pairs", "filter-pairs"):
        return recipe.pairs.name
    return recipe.name if stage == "eval-report" else str(inputs[-1].name)


def _cost(run: Run, stage: str, inputs: Sequence[Any]) -> Cost:
    if stage == "train-teacher" and run.recipe.teacher and run.recipe.teacher.training:
        return training_cost([run.recipe.teacher.training])
    if stage == "generate-pairs":
        return pairs_cost(run, None if _is_absent(inputs[0]) else inputs[0])
    if stage == "distill":
        student: StudentRecipe = inputs[-1]
        return training_cost(student.trainings)
    return {}


def _is_absent(result: StageResult | None) -> bool:
    return result is None or _ABSENT in result.facts
