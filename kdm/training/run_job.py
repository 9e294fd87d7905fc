"""A training job done in this process, alone or with the ranks that torchrun has started.

Input, model, device and trainer are put together here, and the finished model is written: averaged
weights, loss history, timings, and last the config that makes them a result (kdm/export.py).
"""

from collections.abc import Callable

import torch

from kdm.training.average_choice import Choice, choice_among
from kdm.training.environment import prepare
from kdm.training.errors import OutOfMemoryError
from kdm.training.finished import write_finished
from kdm.training.follower import Tracked
from kdm.training.followers import Followers, catch_up
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob
from kdm.training.job_folder import is_done
from kdm.training.placed_objective import placed_objective
from kdm.training.progress import Notice, Progress, Report
from kdm.training.ranks import Ranks, joined, own_device
from kdm.training.trainer import Trainer, TrainingResult
from storage.folders import folder_at
from storage.plugins import describe


def run_job(
    job: TrainingJob, *, report: Report, should_stop: Callable[[], bool] = lambda: False
) -> None:
    """Do a training job, or continue it; if it is done, tell its trackers what they lack.

    Raises `Interrupted`, after a checkpoint, if `should_stop` says so, and a ValueError or a
    StoreError if the job can't be done: the step doesn't fit into memory, a loss isn't finite, or
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
    """Do the job on one device, as one of `ranks`; the first of them has the trackers."""
    folder = folder_at(job.folder)
    if is_done(folder, job.identity()):
        if ranks.is_first:
            catch_up(folder, job.training, report)
        return
    if not ranks.is_first:
        _train(job, device, ranks, report=report, should_stop=should_stop)
        return
    tracked = Tracked(job.folder, describe(job.model), job.training)
    with Followers(tracked, report) as followers:
        _train(job, device, ranks, report=followers, should_stop=should_stop)
        followers.finish()


def _train(
    job: TrainingJob,
    device: torch.device,
    ranks: Ranks,
    *,
    report: Report,
    should_stop: Callable[[], bool],
) -> None:
    """Train to the end, and write the result if this is the first rank."""
    folder, identity = folder_at(job.folder), job.identity()
    objective = placed_objective(job, device, report)
    trainer = Trainer(
        objective,
        job.source.source(
            job.training,
            device,
            notify=report,
            share=ranks.share,
            has_states=job.reads_states,
        ),
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
        choice = _choice(job, result, device, report)
        write_finished(folder, job, identity=identity, result=result, choice=choice)


def _choice(
    job: TrainingJob, result: TrainingResult, device: torch.device, report: Report
) -> Choice | None:
    """The choice among a student's averages; None if there is one."""
    if not job.training.num_apart or not isinstance(job.source, PairsInput):
        return None
    return choice_among(result.averages, job.source, job.training, device, notify=report)


def _unheard(_said: Progress | Notice) -> None:
    """Do nothing: the first rank reports for all of them."""
