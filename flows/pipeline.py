"""The flows: one for each stage (teacher, pairs, masks, students, numbers, report), and one for all of them.

A flow names its last stage; `run_as_tasks` checks the request and runs the stages up to that one, in the
order of `flows/stages/sequence.py`. What the store already has is found, not made again. `make-shards` isn't
a stage: it makes the shards that it is given, for a run of generate-pairs that shares its work.

`expose_options` shows Prefect each of a flow's `**options` as a parameter of its own; calls don't change.
"""

from typing import Unpack

from prefect import flow

from flows.orchestration.parameters import (
    CommonOptions,
    GenerationOptions,
    OptionalRecipe,
    PipelineOptions,
    RecipeName,
    Shards,
    Split,
    StudentOptions,
    StudentTrainingOptions,
    TrainingOptions,
    expose_options,
)
from flows.orchestration.refresh_task import refresh_as_task
from flows.orchestration.requested_stages import run_as_tasks
from flows.orchestration.run_name import run_name
from flows.orchestration.shards_task import make_shards_as_task
from flows.orchestration.tasks import FlowState
from flows.request import Request


@flow(name="train-teacher", flow_run_name=run_name, persist_result=False)
@expose_options
def train_teacher(recipe: RecipeName, **options: Unpack[TrainingOptions]) -> FlowState:
    """Train the recipe's teacher, unless the store has it."""
    return run_as_tasks(Request(recipe, until="train-teacher", **options))


@flow(name="generate-pairs", flow_run_name=run_name, persist_result=False)
@expose_options
def generate_pairs(recipe: RecipeName, **options: Unpack[GenerationOptions]) -> FlowState:
    """Make the pairs that the store lacks, and the teacher if they need one."""
    return run_as_tasks(Request(recipe, until="generate-pairs", **options))


@flow(name="make-shards", flow_run_name=run_name, persist_result=False)
@expose_options
def make_shards(
    recipe: RecipeName, split: Split, shards: Shards, **options: Unpack[CommonOptions]
) -> FlowState:
    """Make some shards of the recipe's pairs, as a run of generate-pairs with `workers` asks for."""
    return make_shards_as_task(
        Request(recipe, until="generate-pairs", **options), split, tuple(shards)
    )


@flow(name="filter-pairs", flow_run_name=run_name, persist_result=False)
@expose_options
def filter_pairs(recipe: RecipeName, **options: Unpack[CommonOptions]) -> FlowState:
    """Judge the recipe's pairs with its filters; scores and decisions are masks beside the pairs."""
    return run_as_tasks(Request(recipe, until="filter-pairs", **options))


@flow(name="distill", flow_run_name=run_name, persist_result=False)
@expose_options
def distill(recipe: RecipeName, **options: Unpack[StudentTrainingOptions]) -> FlowState:
    """Train the recipe's students (or those named) on stored pairs; the teacher is not loaded."""
    return run_as_tasks(Request(recipe, until="distill", **options))


@flow(name="evaluate", flow_run_name=run_name, persist_result=False)
@expose_options
def evaluate(recipe: RecipeName, **options: Unpack[StudentOptions]) -> FlowState:
    """Measure the recipe's students (or those named) beside their teacher."""
    return run_as_tasks(Request(recipe, until="evaluate", **options))


@flow(name="eval-report", flow_run_name=run_name, persist_result=False)
@expose_options
def eval_report(recipe: OptionalRecipe = "", **options: Unpack[StudentOptions]) -> FlowState:
    """Write a recipe's report, with every stage before it.

    Without a recipe nothing is trained and no teacher is loaded: students whose report is missing
    or out of date are measured, and the overview of the home is written again.
    """
    if not recipe:
        return refresh_as_task(options.get("home", ""))
    return run_as_tasks(Request(recipe, until="eval-report", **options))


@flow(name="pipeline", flow_run_name=run_name, persist_result=False)
@expose_options
def pipeline(recipe: RecipeName, **options: Unpack[PipelineOptions]) -> FlowState:
    """All stages of a recipe, or those up to `until`."""
    return run_as_tasks(Request(recipe, **options))
