"""A student that was trained or imported: loaded from its folder, ready to be sampled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from flows.api.arguments import Named, text, whole
from flows.api.places import place_of
from flows.api.tensor_arguments import (
    classes_of,
    require_labels,
    require_noise,
    student_device,
)
from kdm.evaluate.draw import fresh_noise, push
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.shapes import Labels, Samples
from kdm.students.loading import load_student as load_module
from kdm.trained import CONFIG, Kept, read_config
from storage.options import parse
from storage.records import PairSchema

if TYPE_CHECKING:
    from kdm.students.student import Student
    from storage.folders import Folder

_MOST_SAMPLES, _MOST_SEED = 10**8, 2**64 - 1
_VALUES_AT_ONCE = 2**15  # of noise, as `kdm sample` takes them on a CPU: round-off may depend on it


def load_student(
    name: Named,
    *,
    home: Named = "",
    device: str = "cpu",
    precision: str = "float32",
    weights: Kept = "last",
) -> "TrainedStudent":
    """The student of this name below the home, or in the folder at this path or URL.

    It reads `config.json` and `model.safetensors`, checks the digest of the weights and executes nothing.
    `precision` is what it samples in, float32 or bfloat16; `weights` are the last ones or the best. Raises a
    ValueError or a StoreError.
    """
    student_device(device)
    text("precision", precision)
    text("weights", weights)
    return student_in(
        place_of("students", name, home), device=device, precision=precision, weights=weights
    )


def student_in(
    folder: "Folder", *, device: str = "cpu", precision: str = "float32", weights: Kept = "last"
) -> "TrainedStudent":
    """The student of a folder."""
    module = load_module(folder, weights=weights, precision=precision)
    module = module.to(student_device(device))
    config = read_config(folder)
    assert config is not None  # it was loaded just now
    schema = parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")
    return TrainedStudent(module, folder.name, folder.url, schema)


@dataclass(frozen=True)
class TrainedStudent:
    """A map from noise x_T to a sample x_0 of few network evaluations, without gradients.

    `module` is the `torch.nn.Module`, in eval mode; `name` is NAME-DIGEST and `url` its folder.
    """

    module: "Student"  # the network, in eval mode
    name: str  # NAME-DIGEST
    url: str  # its folder
    schema: PairSchema  # of the pairs that it learned from

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (d,) or (C, H, W)."""
        return self.schema.shape

    @property
    def num_classes(self) -> int:
        """That it distinguishes; 0: it takes no label."""
        return self.module.num_classes

    @property
    def noise_scale(self) -> float:
        """The standard deviation of the noise that it takes."""
        return self.schema.noise.scale

    @property
    def nfe(self) -> int:
        """Network evaluations of one sample."""
        return self.module.nfe

    def __repr__(self) -> str:
        return f"<student {self.name}: samples of shape {self.shape} in {self.nfe} evaluations>"

    def __call__(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0 (n, *shape) for noise x_T of the same shape, as `generate` of the module gives it.

        Raises a ValueError for other noise, and for a label that it needs or doesn't know.
        """
        require_noise(x_T, self.shape, self.name, self._device)
        require_labels(label, x_T)
        whole("seed", seed, 0, _MOST_SEED)
        return self.module.generate(x_T, label, seed=seed)

    def sample(
        self, num: int, *, seed: int = 0, label: int | Sequence[int] | None = None
    ) -> Tensor:
        """`num` samples (num, *shape) from fresh noise, float32 on the CPU, as `kdm sample` draws them.

        `label` is a class, or several that are taken in turn; without it labels follow the pairs' rule.
        Pictures are of −1 … 1, which a sample may exceed a little.
        """
        whole("num", num, 1, _MOST_SAMPLES)
        whole("seed", seed, 0, _MOST_SEED)
        given = None if label is None else classes_of(label, self.num_classes, self.name)
        x_T, classes = fresh_noise(self.schema, seed=seed, count=num)
        if given is not None:
            classes = np.resize(given, num)
        at_once = max(1, min(2500, _VALUES_AT_ONCE // self.schema.num_values))
        options = EvaluationOptions(seed=seed, batch_size=at_once)
        return torch.from_numpy(push(self.module, x_T, classes, options=options))

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device
