"""A job's objective, ready to be trained on one device."""

import torch

from kdm.objective import Objective
from kdm.students.student import Student
from kdm.training.finishing import finishing
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob
from kdm.training.progress import Report
from kdm.training.student_pictures import with_pictures
from kdm.training.teacher_weights import with_start


def placed_objective(job: TrainingJob, device: torch.device, report: Report) -> Objective:
    """The objective with all players on the device, its pictures drawn as it trains, compiled if asked."""
    objective = job.objective(job.source.pair_schema())
    _place(objective, device)
    if job.finish is None:
        objective = with_start(objective, job)
    if isinstance(job.source, PairsInput):
        if job.finish is not None:
            assert isinstance(objective.model, Student)  # the job has asked for one
            objective = finishing(objective.model, job.finish, job.source, device)
        objective = with_pictures(objective, job.source, device, report=report)
    if job.training.is_compiled:
        _compile(objective)
    return objective


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
            "training.is_compiled is true, but this model doesn't have a network to compile; "
            "set it to false"
        )
    for network in objective.networks:
        network.compile()
