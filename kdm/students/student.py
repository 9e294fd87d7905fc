"""What a student is: a map x_T → x_0^ of few network evaluations, with an objective that trains it.

    x_0^ ≈ x_0 = Φ_T(x_T)

Φ_T is the teacher's flow from noise to data (Sec. 4), known only by stored pairs (x_T, x_0): the teacher
isn't loaded. A student is an `nn.Module`; what a recipe names is its plugin, which builds it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from kdm.batch import Batch
from kdm.hub.hub_cache import named_folder
from kdm.objective import Losses, Objective
from kdm.operators import KoopmanOperator
from kdm.shapes import Labels, Samples
from kdm.students.precision import SamplingPrecision
from kdm.students.sampler import DrawnSampler

StudentT = TypeVar("StudentT", bound="Student")
# What autocast computes in; None: the type of the weights.
DTYPES: dict[SamplingPrecision, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}


class Student(nn.Module, ABC):
    """A map x_T → x_0^ that needs `nfe` network evaluations.

    Subclasses define `generate`, `objective`, `measure` and `inference_modules`. Samples have shape
    (n, *shape of the pairs), labels (n,) are class numbers, units are those of the pairs.
    """

    # The linear map between latents; None for a student without one. (Declared, not assigned: a
    # class attribute would hide the registered module.)
    operator: KoopmanOperator | None
    num_classes: int = 0  # that it distinguishes; 0: it sees no label
    # Steps of a sample, if it takes any: they may be changed at any time.
    num_steps: int | None = None
    # In which numbers `generate` computes; weights stay as they are.
    precision: SamplingPrecision = "float32"

    @classmethod
    def from_pretrained(
        cls: type[StudentT],
        folder: str | Path,
        *,
        revision: str = "",
        precision: SamplingPrecision = "float32",
    ) -> StudentT:
        """The student of a folder with config.json and model.safetensors, ready to generate.

        A text USER/NAME that is no folder here, and hf://USER/NAME, is a repository on the Hub, of which
        `revision` or @REVISION may name a branch, a tag or a commit (docs/hub.md); a `Path` never is.
        Raises as `load_student` and `named_folder`, and a ValueError if it is a student of another class.
        """
        from kdm.students.loading import load_student  # which finds any student by its plugin

        found = named_folder(folder, "student", revision)
        student = load_student(found, precision=precision)
        if not isinstance(student, cls):
            raise ValueError(f"{folder} holds a {type(student).__name__}, not a {cls.__name__}")
        return student

    @property
    def nfe(self) -> int:
        """Network evaluations that a sample takes; 1 unless it takes steps."""
        return 1

    @abstractmethod
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ (n, *shape) for noise x_T of the same shape, in the pairs' units and without gradients.

        Deterministic: equal x_T, labels and seed give equal samples, in any batch.
        Raises a ValueError if it needs labels and gets none, or unknown ones.
        """

    def drawn(self, batch: Batch) -> Samples:
        """x_0^ (n, *shape) of a batch's noise as `generate` gives it, to rounding, and with gradients.

        In the pairs' units. Raises a ValueError unless the class says how: then no finish can train it.
        """
        raise ValueError(
            f"a {type(self).__name__} can't be finished, since it doesn't say how gradients pass its "
            "samples; leave finish out"
        )

    def sampler(self) -> nn.Module:
        """What makes samples as a module (sampler.py), from x_T and labels, in float32; for export.

        It may hold copies of weights. Raises a ValueError unless the class has `drawn` or a sampler.
        """
        if type(self).drawn is Student.drawn:
            raise ValueError(
                f"a {type(self).__name__} can't be exported: its class defines neither drawn nor sampler "
                "(docs/plugins.md)"
            )
        return DrawnSampler(self)

    @abstractmethod
    def objective(self) -> Objective:
        """What trains this student on batches of pairs: its players and their losses."""

    @abstractmethod
    def measure(self, batch: Batch) -> Losses:
        """Its loss on a batch, and the unweighted terms by name, without a critic's part.

        Random numbers come from `kdm.randomness.draws`, as in training.
        """

    @abstractmethod
    def inference_modules(self) -> tuple[nn.Module, ...]:
        """The modules that `generate` uses: what a sample costs, and what a user has to ship."""

    def num_trainable_parameters(self) -> int:
        """How many numbers training changes; frozen networks of a loss aren't counted.

        (The paper's 62M, Table 4, are 47.5M trainable numbers and the 14.7M of LPIPS's frozen VGG.)
        """
        return _num_parameters(self)

    def num_inference_parameters(self) -> int:
        """How many numbers a sample passes through."""
        return sum(_num_parameters(module) for module in self.inference_modules())


@contextmanager
def sampling(student: Student, device: torch.device) -> Iterator[None]:
    """Run the block with dropout off, and layers in the student's precision."""
    dtype = DTYPES[student.precision]
    cast = torch.autocast(device.type, dtype) if dtype else nullcontext()
    with evaluating(student), cast:
        yield


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Run the block with dropout off; afterwards the module is in the mode that it was in."""
    was_training = module.training
    if was_training:
        module.eval()
    try:
        yield
    finally:
        if was_training:
            module.train()


def _num_parameters(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters() if each.requires_grad)
