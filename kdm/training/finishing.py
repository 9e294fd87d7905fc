"""A finish's objective: the trained student, the features, and the moments of the stored x_0."""

from collections.abc import Iterator

import safetensors.torch
import torch

from kdm.data import batch_of
from kdm.finish.distribution import DistributionPlayer
from kdm.finish.moments import stored_moments
from kdm.objective import Objective
from kdm.shapes import Samples
from kdm.students.student import Student
from kdm.training.finish_input import FinishInput
from kdm.training.inputs import PairsInput


def finishing(
    student: Student, finish: FinishInput, pairs: PairsInput, device: torch.device
) -> Objective:
    """The objective of a student that takes the weights of the trained one; moments are on the device.

    Raises a ValueError if the student or the pairs can't be finished so, `DamageError` or `MismatchError`
    if the trained student or the features' file isn't the one that the job means.
    """
    options = finish.options
    options.features.require_shape(pairs.pair_schema().shape)
    finish.require_network()
    student.load_state_dict(safetensors.torch.load(finish.trained_weights()))
    features = options.features.build(device)
    stored = stored_moments(_pictures(pairs, device), features)
    player = DistributionPlayer(
        student, features, stored, decay=options.decay, anchor=options.anchor
    )
    return player.objective()


def _pictures(pairs: PairsInput, device: torch.device) -> Iterator[Samples]:
    for part in pairs.learned():
        if len(part):
            yield batch_of(part, device).x_0
