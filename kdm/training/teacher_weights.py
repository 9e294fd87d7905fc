"""The start of a student that begins as its teacher (kdm/students/teacher_start.py): its weights, read once.

A run that continues from a checkpoint doesn't read them, and a finished student holds its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import safetensors.torch
from torch import Tensor, nn

from kdm.networks.preconditioning import Preconditioner
from kdm.objective import Objective
from kdm.students.teacher_start import TeacherStarter
from kdm.trained import read_config, read_weights
from kdm.training.job import TrainingJob
from storage.digest import short
from storage.folders import folder_at

_OWN = "denoiser."  # before every name in the file of a teacher that this project has trained
# What EDM's augmentations are multiplied by, which students don't have (Karras et al. 2022, App. F.2).
_AUGMENTATIONS = "model.map_augment.weight"


def with_start(objective: Objective, job: TrainingJob) -> Objective:
    """The objective, which takes its teacher's weights before the first step if its student wants them."""
    init = job.model.init if isinstance(job.model, TeacherStarter) else None
    if init is None:
        return objective
    assert init.network is not None  # `require_trainable` has looked
    begin = partial(_begin, objective.model, job.teacher, init.network.weights)
    return replace(objective, begin=begin)


def take_over(student: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy a teacher's tensors, by their names in its file, into the one denoiser of a student.

    Weights for an interval of times, which no teacher has, become 0. A RuntimeError if tensors don't fit.
    """
    (denoiser,) = (each for each in student.modules() if isinstance(each, Preconditioner))
    given = {name.removeprefix(_OWN): each for name, each in weights.items()}
    given.pop(_AUGMENTATIONS, None)
    own = denoiser.state_dict()
    if _AUGMENTATIONS in own:
        given[_AUGMENTATIONS] = own[_AUGMENTATIONS].new_zeros(own[_AUGMENTATIONS].shape)
    denoiser.load_state_dict(given)


def _begin(student: nn.Module, url: str | None, digest: str) -> None:
    """Give the student the weights of this digest; a ValueError if the folder at the URL lacks them."""
    folder = None if url is None else folder_at(url)
    config = None if folder is None else read_config(folder)
    if folder is None or config is None or config["weights"]["sha256"] != digest:
        raise ValueError(
            f"the student starts from its teacher's weights {short(digest)}…, which no folder below the "
            "home's teachers/ holds; copy the teacher's folder there, or set the student's init to random"
        )
    take_over(student, safetensors.torch.load(read_weights(folder, config)))
