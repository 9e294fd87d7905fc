"""What a student is: one network evaluation from noise to data, with an objective of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from kdm.batch import Batch
from kdm.objective import Losses, Objective
from kdm.operators import KoopmanOperator
from kdm.shapes import Labels, Samples
from kdm.students.plugin import SamplingPrecision, StudentPlugin

__all__ = ["DTYPES", "Student", "StudentPlugin", "evaluating", "sampling"]

StudentT = TypeVar("StudentT", bound="Student")
# What a network is given where that is not the type of its weights.
DTYPES: dict[SamplingPrecision, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}


class Student(nn.Module, ABC):
    """A map x_T → x_0^ that needs `nfe` evaluations."""

    # The linear map between latents; None for a student without one. (Declared, not assigned: a
    # class attribute would hide the registered module.)
    operator: KoopmanOperator | None
    num_classes: int = 0  # that it tells apart; 0: it looks at no label
    # What `generate` computes in; weights stay as they are.
    precision: SamplingPrecision = "float32"

    @classmethod
    def from_pretrained(
        cls: type[StudentT], folder: str | Path, *, precision: SamplingPrecision = "float32"
    ) -> StudentT:
        """The student of a folder with config.json and model.safetensors, ready to generate.

        Raises as `load_student`, and a ValueError where it is a student of another class.
        """
        from kdm.export import load_student  # which finds any student by its plugin

        student = load_student(str(folder), precision=precision)
        if not isinstance(student, cls):
            raise ValueError(f"{folder} holds a {type(student).__name__}, not a {cls.__name__}")
        return student

    @property
    def nfe(self) -> int:
        """Network evaluations that a sample takes."""
        return 1

    @abstractmethod
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ for noise x_T [n, *shape] in the pairs' units, without autograd; deterministic."""

    @abstractmethod
    def objective(self) -> Objective:
        """What trains this student on batches of pairs."""

    @abstractmethod
    def measure(self, batch: Batch) -> Losses:
        """Its loss on a batch, and the unweighted components by name; a critic's part is none of them.

        With random numbers from torch's global generator, as in training.
        """

    @abstractmethod
    def inference_modules(self) -> tuple[nn.Module, ...]:
        """The parts that `generate` uses."""

    def num_trainable_parameters(self) -> int:
        """Numbers that training changes; frozen networks of a loss are not counted."""
        return _num_parameters(self)

    def num_inference_parameters(self) -> int:
        """Numbers that a sample passes through."""
        return sum(_num_parameters(module) for module in self.inference_modules())


@contextmanager
def sampling(student: Student, device: torch.device) -> Iterator[None]:
    """Within it dropout is off, and layers compute in the student's precision."""
    dtype = DTYPES[student.precision]
    cast = torch.autocast(device.type, dtype) if dtype else nullcontext()
    with evaluating(student), cast:
        yield


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Within it dropout is off; then the module is in the mode that it was in."""
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
