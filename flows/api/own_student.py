"""Any function from noise to samples, as a student that can be measured."""

from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from flows.api.arguments import shown
from flows.api.loaded_student import TrainedStudent
from kdm.batch import Batch
from kdm.objective import Losses, Objective
from kdm.shapes import Labels, Samples
from kdm.students.student import Student, evaluating

if TYPE_CHECKING:
    from flows.api.pair_set import PairSet


class OwnStudent(Student):
    """x_0 = f(x_T), or f(x_T, label) where there are labels; f may be a module, which moves with this one."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.operator = None
        self.function = function

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """What the function gives; a ValueError unless it is one sample of x_T's shape for each x_T."""
        x_T_and_label = (x_T,) if label is None else (x_T, label)
        with evaluating(self):
            x_0 = self.function(*x_T_and_label)
        if not isinstance(x_0, Tensor) or x_0.shape != x_T.shape:
            given = f"shape {tuple(x_0.shape)}" if isinstance(x_0, Tensor) else type(x_0).__name__
            raise ValueError(
                f"the student gives {given} for noise of shape {tuple(x_T.shape)}; it must give a tensor of "
                "the noise's shape"
            )
        if not x_0.isfinite().all():
            raise ValueError(
                "the student gives NaN or infinite values, which can't be measured; look at its training"
            )
        return x_0

    def objective(self) -> Objective:
        """Always a ValueError: its program trains it."""
        raise ValueError("a function of a Python program is trained there")

    def measure(self, batch: Batch) -> Losses:
        """Always a ValueError: its loss is its program's."""
        raise ValueError("a function of a Python program has its own loss")

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """The function, if it is a module."""
        return (self.function,) if isinstance(self.function, nn.Module) else ()


def as_student(student: object, pairs: "PairSet") -> Student:
    """What can be measured on these pairs; a ValueError for what can't."""
    if isinstance(student, TrainedStudent):
        if student.shape != pairs.shape:
            raise ValueError(
                f"{student.name} makes samples of shape {student.shape}, the pairs of {pairs.name} have "
                f"{pairs.shape}; measure it on the pairs that it learned from"
            )
        return student.module
    if isinstance(student, Student):
        return student
    if not callable(student) or isinstance(student, type):
        raise ValueError(
            f"student is {shown(student)}; give what kdm.train_student or kdm.load_student "
            "returned, or a function of x_T (and label) that gives x_0"
        )
    _require_callable_with(student, has_labels=bool(pairs.num_classes))
    return OwnStudent(student)


def _require_callable_with(function: Callable[..., object], *, has_labels: bool) -> None:
    """A ValueError if it can't take what it will be given; what Python can't tell is left to the call."""
    given = ("x_T", "label") if has_labels else ("x_T",)
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        signature(called).bind(*given)
    except TypeError:
        why = "the pairs have classes" if has_labels else "the pairs have no classes"
        raise ValueError(
            f"student can't be called with ({', '.join(given)}): {why}; give a function of those arguments"
        ) from None
    except ValueError:  # written in C, without a signature
        return
