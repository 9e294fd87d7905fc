"""A student from the folder that its training or its import wrote. Loading executes nothing of its files."""

from typing import cast, get_args

import safetensors.torch
import torch

from kdm.students.late_student import Student
from kdm.students.plugin import GROUP, StudentPlugin
from kdm.students.precision import SamplingPrecision
from kdm.trained import CONFIG, Kept, read_best, read_config, read_weights
from storage.folders import Folder, folder_at
from storage.options import parse
from storage.plugins import configure
from storage.records import PairSchema


def load_student(
    folder: Folder | str, *, weights: str = "last", precision: str = "float32"
) -> Student:
    """The student of a folder (path or URL), on the CPU, in eval mode and without gradients.

    `weights` are the last ones, or those of the lowest training loss; `precision` is what it samples
    in, float32 or bfloat16.
    Raises a ValueError if the folder lacks that student or those weights, and `DamageError` if a
    file isn't as it was written.
    """
    known = get_args(SamplingPrecision)
    if precision not in known:
        raise ValueError(f"precision is '{precision}'; choose {' or '.join(known)}")
    if weights not in get_args(Kept):
        raise ValueError(f"weights is '{weights}'; choose {' or '.join(get_args(Kept))}")
    folder = folder_at(folder) if isinstance(folder, str) else folder
    config = read_config(folder)
    if config is None or config["group"] != GROUP:
        raise ValueError(f"{folder.url} holds no trained student; see 'kdm ls'")
    plugin = cast(StudentPlugin, configure(GROUP, config["model"]))
    schema = parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")
    # Building draws initial weights, which mustn't change the caller's stream of random numbers.
    with torch.random.fork_rng():
        student = plugin.build(schema)
    read = read_weights if weights == "last" else read_best
    student.load_state_dict(safetensors.torch.load(read(folder, config)))
    student.precision = cast(SamplingPrecision, precision)
    return student.eval().requires_grad_(False)
