"""What a sampler integrates: a vector field v(x, t, label) with a time span and a noise scale.

    dx/dt = v(x, t, label),     x at t = T is noise of standard deviation `noise_scale`, x at t = 0 is data

Time runs from 0 (data) to T (noise), as everywhere in this project. The literature of flow matching runs the
other way (t = 0 noise, t = 1 data: Lipman et al. 2023): its velocity is the negative of ours at 1 - t.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

import torch
from torch import Tensor, nn

from kdm.level import Level
from kdm.shapes import Labels, Samples


class Teacher(nn.Module, ABC):
    """A field to integrate from x_T at `t_noise` to x_0 at `t_data`; its weights, if any, are a module's."""

    t_data: ClassVar[float] = 0.0  # the time of x_0
    t_noise: float  # T, the time of x_T, up to rounding to a time that the field knows (`rounded`)
    noise_scale: float  # standard deviation of x_T, in the units of the data
    t_lowest: float = 0.0  # the lowest time it knows, for samplers whose last step begins there
    # Number type of its networks. A sampler's state, and what `velocity` takes and returns, keep their own.
    dtype: torch.dtype = torch.float32
    evaluations: int = 1  # network evaluations of one velocity

    @abstractmethod
    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt [n, *shape] at x [n, *shape], time t ([ ] or [n]) and label [n], in x's number type."""

    def rounded(self, t: float) -> float:
        """The nearest time that the field knows."""
        return t

    def level(self, t: float) -> Level:
        """How much data and noise x holds at time t; a ValueError unless a subclass says it."""
        raise ValueError(
            f"teacher {type(self).__name__} doesn't say how much noise x holds at time {t:g}, so that a "
            "student can't read its states; define its `level` (kdm/level.py)"
        )

    def in_dtype(self, device: torch.device) -> AbstractContextManager[object]:
        """Within it, linear layers and convolutions on `device` compute in `dtype`.

        For networks that don't choose a number type themselves, as EDM's do.
        """
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(device.type, dtype=self.dtype)
