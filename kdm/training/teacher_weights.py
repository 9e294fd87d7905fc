"""The start of a student that begins as its teacher (kdm/students/teacher_start.py): its weights, read once.

A run that continues from a checkpoint doesn't read them, and a finished student holds its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import safetensors.torch
import torch
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
    """Copy a teacher's tensors, by their names in its file, into every denoiser of a student.

    Weights for an interval of times, which no teacher has, become 0. Those of channels of latents, which
    no teacher has either, stay as they are. A RuntimeError if tensors don't fit.
    """
    given = {name.removeprefix(_OWN): each for name, each in weights.items()}
    given.pop(_AUGMENTATIONS, None)
    for denoiser in student.modules():
        if isinstance(denoiser, Preconditioner):
            denoiser.load_state_dict(_fitted(denoiser, given))


def _fitted(denoiser: Preconditioner, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A teacher's tensors, with the student's own numbers in channels that no picture has."""
    own, options = denoiser.state_dict(), denoiser.model.options
    widths = options.in_channels, options.out_channels
    fitted = {name: _within(own.get(name), each, widths) for name, each in given.items()}
    if _AUGMENTATIONS in own:
        fitted[_AUGMENTATIONS] = torch.zeros_like(own[_AUGMENTATIONS])
    return fitted


def _within(own: Tensor | None, given: Tensor, widths: tuple[int, int]) -> Tensor:
    """`given` in the first channels of `own`, if only numbers of channels that go in or out differ."""
    if own is None or own.ndim != given.ndim:
        return given
    sizes = list(zip(own.shape, given.shape, strict=True))
    if any(ours != theirs and ours not in widths for ours, theirs in sizes):
        return given
    filled = own.clone()
    shared = tuple(slice(min(each)) for each in sizes)
    filled[shared] = given[shared]
    return filled


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
