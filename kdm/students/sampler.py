"""What makes samples, as one module of plain tensor operations: files for other programs are made of it.

It is called with noise x_T (n, ...) in the pairs' units and class numbers (n,) or None, and checks neither.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.shapes import Labels, Samples
from kdm.students.late_student import Student


class Sampler(nn.Module):
    """x_0^ = `gives` · network(x_T / `takes`, y) (n, ...), as a student in one pass makes it."""

    def __init__(self, network: nn.Module, *, takes: float = 1.0, gives: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self._takes, self._gives = takes, gives

    def forward(self, x_T: Samples, label: Labels | None = None) -> Samples:
        """x_T (n, ...) to x_0^ of the same shape."""
        made: Samples = self.network(x_T / self._takes, label)
        return made.reshape(x_T.shape) * self._gives

    @property
    def num_values(self) -> int:
        """How many numbers it holds."""
        return sum(each.numel() for each in (*self.parameters(), *self.buffers()))


class DrawnSampler(nn.Module):
    """x_0^ (n, ...) by a student's own `drawn`, in all of its evaluations."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student

    def forward(self, x_T: Samples, label: Labels | None = None) -> Samples:
        """x_T (n, ...) to x_0^ of the same shape."""
        return self.student.drawn(Batch(torch.arange(x_T.shape[0]), x_0=x_T, x_T=x_T, label=label))


class ByteSampler(nn.Module):
    """Another sampler's pictures as bytes, by the rule of the pairs (storage/records.py, `to_bytes`)."""

    def __init__(self, sampler: nn.Module, rounding: Literal["half-even", "floor"]) -> None:
        super().__init__()
        self.sampler, self._floors = sampler, rounding == "floor"

    def forward(self, x_T: Samples, label: Labels | None = None) -> Tensor:
        """x_T (n, c, h, w) to uint8 of the same shape; values beyond −1 … 1 are clipped."""
        scaled = self.sampler(x_T, label) * 127.5
        rounded = torch.floor(scaled + 128) if self._floors else torch.round(scaled + 127.5)
        return rounded.clamp(0, 255).to(torch.uint8)
