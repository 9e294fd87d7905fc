"""Runs one training as a stage: named by what it depends on, and run in a child process."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

from flows.progress import Progress
from flows.stage import Run, StageResult, State
from flows.stages.arithmetic import require_arithmetic
from flows.stages.child import run_training
from flows.stages.claim import claimed, end_claim_of_dead
from flows.stages.tracking import tell_trackers, with_usual_trackers
from kdm.freed_memory import give_back_freed_memory
from kdm.trained import read_config
from kdm.training.divided import require_divisible
from kdm.training.job import TrainingJob
from kdm.training.job_folder import is_done
from storage.digest import digest_of, short
from storage.errors import DamageError
from storage.folders import Folder, folder_at
from storage.options import parse

_LOG = logging.getLogger(__name__)

# Torch is imported, and set up for this process, by one thread at a time.
_SETTING_UP = Lock()


def train(run: Run, stage: str, name: str, *, kind: str, job: dict[str, Any]) -> StageResult:
    """Train what `job` says below `home/kind`, unless it is there and sound.

    `digest` of the result names the training; facts hold the digest of the weights.
    """
    checked = parse(TrainingJob, {**job, "folder": run.home.url, "device": run.device}, name)
    identity = checked.identity()
    digest = digest_of(identity)
    folder = run.home / kind / f"{name}-{short(digest)}"
    folder.sweep()
    state: State = "cached"
    if not is_done(folder, identity):
        _LOG.info("%s has no finished training of these options", folder.url)
        run.begin(folder, f"training {name}")
        with _SETTING_UP:
            _require_possible(run, checked)
        job_here = _placed(run, checked, folder)
        there = partial(is_done, folder, identity)
        with _claimed(run, folder, name, there) as has_work:
            if has_work:
                _train(run, stage, name, job_here)
                state = "done"
    else:
        _LOG.info("%s holds a finished training of these options", folder.url)
        end_claim_of_dead(folder)
    if state == "cached":
        tell_trackers(run, folder, checked.training)
    return StageResult(stage, folder.name, folder.url, digest, state, _facts(folder))


@contextmanager
def _claimed(run: Run, folder: Folder, name: str, is_there: Callable[[], bool]) -> Iterator[bool]:
    """Be the only one who trains this; commands of several machines, which meet anyway, claim nothing."""
    if run.ranks.num_nodes > 1:
        yield not is_there()
        return
    with claimed(folder, f"training {name}", is_there=is_there, say=run.say) as has_work:
        yield has_work


def _require_possible(run: Run, job: TrainingJob) -> None:
    """A ValueError, before any work, if this machine or these ranks can't do it."""
    require_arithmetic(run)
    require_divisible(job.training, run.ranks.num)
    if run.settled_device == "cpu" and not job.training.is_compiled:
        return  # a processor lacks nothing else
    # It needs torch, whose memory the child needs, and which nobody waits for without need.
    from kdm.training.environment import prepare

    prepare(job.device, job.training)


def _placed(run: Run, job: TrainingJob, folder: Folder) -> TrainingJob:
    training = with_usual_trackers(job.training)
    here = {"folder": folder.url, "device": run.settled_device, "training": training}
    return job.model_copy(update=here)


def _train(run: Run, stage: str, name: str, job: TrainingJob) -> None:
    total = job.training.num_steps
    meter = run.meter(stage, name, total, "steps")
    # The process takes seconds to begin; the meter starts counting with its first step.
    run.report(Progress(stage, name, 0, total, "steps", 0.0, 0.0, "starting"))
    give_back_freed_memory()  # of pairs that were made or judged: the child needs it
    described, folder = job.model_dump(mode="json"), folder_at(job.folder)
    run_training(described, folder, meter, say=run.say, ranks=run.ranks)


def _facts(folder: Folder) -> dict[str, Any]:
    config = read_config(folder)
    if config is None:
        raise DamageError(f"{folder.url} lacks config.json although its training ended; run again")
    return {"weights": config["weights"]["sha256"], "parameters": config["parameters"]}
