"""What a teacher is: a vector field of (x, t, label) with a time span and a noise scale.

Time runs from 0 (data) to T (noise), as everywhere in this project. The flow-matching literature
runs the other way (t = 0 noise, t = 1 data): its velocity is the negative of ours at 1 - t.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from kdm.shapes import Labels, Samples
from pairgen.teachers.plugin import TeacherPlugin, weights_digest
from storage.digest import short
from storage.errors import MismatchError


class Teacher(nn.Module, ABC):
    """A field to integrate from x_T (time `t_noise`, deviation `noise_scale`) to x_0 (`t_data`)."""

    t_data: ClassVar[float] = 0.0
    t_noise: float  # T, where x_T lies, or at the nearest time that it knows
    noise_scale: float
    t_lowest: float = 0.0  # that it knows, for samplers whose last step begins there
    # Its networks' number type; the state of a sampler, and what it is given and gives, stay as they are.
    dtype: torch.dtype = torch.float32
    evaluations: int = 1  # of its network, for one velocity

    @abstractmethod
    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt at the points x [n, *shape] and the time t (0-d, or [n]), in x's type."""

    def rounded(self, t: float) -> float:
        """The nearest time that it knows."""
        return t


def load_teacher(
    plugin: TeacherPlugin, shape: tuple[int, ...], *, weights: bytes | None, digest: str
) -> Teacher:
    """The teacher with these safetensors bytes, ready to sample; `digest` is what they must have.

    Raises MismatchError when they are other weights, ValueError when weights are missing.
    """
    if plugin.is_trained and weights is None:
        raise ValueError(f"teacher '{plugin.plugin}' needs weights; train or import it first")
    found = weights_digest(plugin, weights)
    if found != digest:
        raise MismatchError(
            f"weights of teacher '{plugin.plugin}' have digest {short(found)}…, expected "
            f"{short(digest)}…; restore them, or train the teacher again"
        )
    # Building draws initial weights; the caller's stream of random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        teacher = plugin.build(shape) if weights is None else plugin.loaded(shape, weights)
    return teacher.eval().requires_grad_(False)
