"""Random numbers of losses and networks: torch's own, or those that belong to each sample.

All training draws through `draws()`: latent noise ε (Algorithm 1, line 4), training times, dropout.
By default the numbers are those of torch's global generator, which the trainer seeds at each step. With
`training.draws: sample` the trainer puts `SampleDraws` there (sample_draws.py): then no number depends
on which samples are in the batch together.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

# Pixels of a map from which on our dropout takes less than half the time of torch's on a CPU, which is a
# sixth of a 3×3 convolution's. Smaller maps keep the numbers that they always had.
_LEAST_PIXELS = 16**2
_LEVELS = 2**16  # of a share that drops out


class Draws(ABC):
    """Random tensors of `shape` with the type and device of `like`; `axis` is that of the samples."""

    @abstractmethod
    def normal(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        """N(0, 1)."""

    @abstractmethod
    def normal_like(self, x: Tensor) -> Tensor:
        """N(0, 1), one number for each value of x (n, ...), in x's memory format."""

    @abstractmethod
    def uniform(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        """U(0, 1)."""

    @abstractmethod
    def coins(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        """0 or 1, int64."""

    @abstractmethod
    def dropout(self, x: Tensor, share: float) -> Tensor:
        """x (n, ...) with this share of its values set to 0 and the others divided by 1 − share."""


class TorchDraws(Draws):
    """From torch's global generators, in the order of the calls."""

    def normal(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        return torch.randn(shape, dtype=like.dtype, device=like.device)

    def normal_like(self, x: Tensor) -> Tensor:
        return torch.randn_like(x)

    def uniform(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        return torch.rand(shape, dtype=like.dtype, device=like.device)

    def coins(self, shape: tuple[int, ...], *, like: Tensor, axis: int = 0) -> Tensor:
        return torch.randint(2, shape, device=like.device)

    def dropout(self, x: Tensor, share: float) -> Tensor:
        if not share or not _is_map_on_cpu(x):
            return F.dropout(x, share)
        num_dropped = round(share * _LEVELS)
        # Signed numbers of 16 bits begin at −2¹⁵.
        is_kept = _parts_like(x) >= num_dropped - _LEVELS // 2
        return x * is_kept.to(x.dtype).mul_(_LEVELS / (_LEVELS - num_dropped))


def _is_map_on_cpu(x: Tensor) -> bool:
    is_eager = x.device.type == "cpu" and not torch.compiler.is_compiling()
    return is_eager and x.ndim == 4 and x.shape[2] * x.shape[3] >= _LEAST_PIXELS


def _parts_like(x: Tensor) -> Tensor:
    """A random int16 for each value of x, in x's memory format: four from each word of the generator."""
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    parts = words.view(torch.int16)[: x.numel()]
    if not x.is_contiguous(memory_format=torch.channels_last):
        return parts.view(x.shape)
    return parts.view(x.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)


_current: list[Draws] = [TorchDraws()]


def draws() -> Draws:
    """The current source of random numbers."""
    return _current[-1]


@contextmanager
def drawing_from(source: Draws) -> Iterator[None]:
    """Let `draws()` give `source` in the block."""
    _current.append(source)
    try:
        yield
    finally:
        _current.pop()
