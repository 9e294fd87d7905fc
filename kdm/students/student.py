"""What a student is: one network evaluation from noise to data, with an objective of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from kdm.objective import Objective
from kdm.operators import KoopmanOperator
from kdm.shapes import Labels, Samples
from storage.plugins import Plugin
from storage.records import PairSchema

GROUP = "kdm.students"


class Student(nn.Module, ABC):
    """A map x_T → x_0^ that needs `nfe` evaluations."""

    # The linear map between latents; None for a student without one. (Declared, not assigned: a
    # class attribute would hide the registered module.)
    operator: KoopmanOperator | None

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
    def inference_modules(self) -> tuple[nn.Module, ...]:
        """The parts that `generate` uses."""

    def num_trainable_parameters(self) -> int:
        """Numbers that training changes; frozen networks of a loss are not counted."""
        return _num_parameters(self)

    def num_inference_parameters(self) -> int:
        """Numbers that a sample passes through."""
        return sum(_num_parameters(module) for module in self.inference_modules())


class StudentPlugin(Plugin, ABC):
    """The options of one architecture."""

    @abstractmethod
    def build(self, schema: PairSchema) -> Student:
        """A student for pairs of this schema, with weights from torch's global generator."""

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where it cannot learn samples of this shape, or lacks a file for it."""


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
