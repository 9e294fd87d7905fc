"""A training job done in this process, alone or with the ranks that torchrun has started.

Input, model, device and trainer are put together here, and the finished model is written: averaged
weights, loss history, timings, and last the config that makes them a result (kdm/export.py).
"""

from collections.abc import Callable

import torch

from kdm.objective import Objective
from kdm.training.environment import prepare
from kdm.training.errors import OutOfMemoryError
from kdm.training.finished import write_finished
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob
from kdm.training.job_folder import is_done
from kdm.training.progress import Notice, Progress, Report
from kdm.training.ranks import Ranks, joined, own_device
from kdm.training.student_pictures import with_pictures
from kdm.training.trainer import Trainer
from storage.folders import folder_at


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
    """Do the job on one device, as one of `ranks`; the first of them writes the result."""
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
        write_finished(folder, job, objective.model, identity=identity, result=result)


def _unheard(_said: Progress | Notice) -> None:
    """Do nothing: the first rank reports for all of them."""


def _place(objective: Objective, device: torch.device) -> None:
    """Move all players to the device, with weights in the memory format that is fastest there."""
    for module in {objective.model, *(player.module for player in objective.players)}:
        module.to(device)
        if device.type == "cuda":
            # The order in which tensor cores read pixels. On a CPU it gains nothing: what convolutions
            # gain, group norm loses.
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _compile(objective: Objective) -> None:
    """Have torch.compile compile the networks at their first batch; parameters keep their names."""
    if not objective.networks:
        raise ValueError(
            "training.is_compiled is true, but this model has no network that can be compiled; "
            "set it to false"
        )
    for network in objective.networks:
        network.compile()
