"""A training job done in this process, alone or with the ranks that torchrun has started.

Input, model, device and trainer are put together here, and the finished model is written: averaged
weights, loss history, timings, and last the config that makes them a result (kdm/export.py).
"""

import resource
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from kdm.export import write_trained
from kdm.objective import Objective
from kdm.students.student import Student
from kdm.training.environment import prepare
from kdm.training.errors import OutOfMemoryError
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob, is_done
from kdm.training.progress import Notice, Progress
from kdm.training.ranks import Ranks, joined, own_device
from kdm.training.student_pictures import with_pictures
from kdm.training.trainer import Trainer, TrainingResult
from kdm.training.watch import Report
from storage.any_folder import folder_at
from storage.fs import Folder
from storage.plugins import describe

# ru_maxrss is in kilobytes on Linux and in bytes on macOS (getrusage(2)).
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def run_job(
    job: TrainingJob, *, report: Report, should_stop: Callable[[], bool] = lambda: False
) -> None:
    """Do a training job, or continue it; return at once where it is done.

    Raises `Interrupted`, after a checkpoint, where `should_stop` says so, and a ValueError or a
    StoreError where the job can't be done: the step doesn't fit into memory, a loss isn't finite, or
    stored pairs are damaged.
    """
    device = own_device(prepare(job.device, job.training))
    with joined(device, report) as ranks:
        _run(
            job,
            device,
            ranks,
            report=report if ranks.is_first else _unheard,
            should_stop=should_stop,
        )


def _run(
    job: TrainingJob,
    device: torch.device,
    ranks: Ranks,
    *,
    report: Report,
    should_stop: Callable[[], bool],
) -> None:
    folder, identity = folder_at(job.folder), job.identity()
    if is_done(folder, identity):
        return
    objective = job.objective(job.source.pair_schema())
    _place(objective, device)
    if isinstance(job.source, PairsInput):
        objective = with_pictures(objective, job.source, device, report=report)
    if job.training.is_compiled:
        _compile(objective)
    trainer = Trainer(
        objective,
        job.source.source(job.training, device, notify=report, share=ranks.share),
        job.training,
        folder,
        identity=identity,
        report=report,
        should_stop=should_stop,
        ranks=ranks,
    )
    try:
        result = trainer.fit()
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"the memory of '{device}' can't hold a step of training.batch_size "
            f"{job.training.batch_size} at once; choose a smaller training.micro_batch (with "
            "training.draws 'sample'), a smaller batch, or training.precision bfloat16"
        ) from error
    if ranks.is_first:
        _write(folder, job, objective.model, identity=identity, result=result)


def _unheard(_said: Progress | Notice) -> None:
    """Tell nobody: the first rank reports for all of them."""


def _place(objective: Objective, device: torch.device) -> None:
    for module in {objective.model, *(player.module for player in objective.players)}:
        module.to(device)
        if device.type == "cuda":
            # The order in which tensor cores read pixels. On a CPU it gains nothing: what convolutions
            # gain, group norm loses.
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _compile(objective: Objective) -> None:
    if not objective.networks:
        raise ValueError(
            "training.is_compiled is true, but this model has no network that can be compiled; "
            "set it to false"
        )
    for network in objective.networks:
        network.compile()


def _write(
    folder: Folder,
    job: TrainingJob,
    model: nn.Module,
    *,
    identity: dict[str, Any],
    result: TrainingResult,
) -> None:
    schema = job.source.pair_schema()
    config = {
        "group": job.group,
        "model": describe(job.model),
        "shape": list(schema.shape),
        "schema": schema.model_dump(mode="json") if job.source.kind == "pairs" else None,
        "identity": identity,
        "num_steps": job.training.num_steps,
        "parameters": _num_parameters(model),
        **result.counts,
    }
    num_steps = job.training.num_steps
    timings = {
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "steps_per_second": num_steps / result.seconds,
        "cpu_seconds_per_step": result.cpu_seconds / num_steps,
        "num_ranks": result.num_ranks,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES,
    }
    write_trained(folder, result.state, config=config, losses=result.losses, timings=timings)


def _num_parameters(model: nn.Module) -> dict[str, int]:
    if isinstance(model, Student):
        return {
            "trainable": model.num_trainable_parameters(),
            "inference": model.num_inference_parameters(),
        }
    return {"trainable": sum(each.numel() for each in model.parameters() if each.requires_grad)}
