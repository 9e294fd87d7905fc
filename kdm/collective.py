"""Sums over the processes that train together, which torchrun calls ranks.

Losses and layers use it too (batch normalisation over all ranks), so that it knows nothing of training.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from storage.errors import StoreError


class RankLostError(StoreError):
    """Another rank has left during a step."""


def num_ranks() -> int:
    """How many ranks there are; 1 if this process trains alone."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def add_up_(numbers: Tensor) -> Tensor:
    """Replace each number by its sum over all ranks, in place; every rank gets the same bits.

    All ranks must call it with tensors of one shape. Raises `RankLostError` if one has left.
    """
    begin_adding_up_(numbers)()
    return numbers


def begin_adding_up_(numbers: Tensor) -> Callable[[], None]:
    """Begin what `add_up_` does; the function that this returns waits until it is done.

    Until then nobody may touch the numbers. Sums go in the order in which all ranks begin them.
    """
    with _told():
        work = dist.all_reduce(numbers, async_op=True)

    def wait() -> None:
        with _told():
            work.wait()

    return wait


@contextmanager
def _told() -> Iterator[None]:
    """Say as `RankLostError` what gloo and NCCL raise if a connection is gone."""
    try:
        yield
    except RuntimeError as error:
        raise RankLostError(
            "another rank has left during a step; the same command continues from the last checkpoint"
        ) from error


def mean_over_ranks(numbers: Tensor) -> Tensor:
    """The mean over all ranks of a tensor of any shape, differentiable; alone, the tensor itself.

    A rank's gradient is the sum of what all ranks' losses make of its part, so that the mean of the ranks'
    gradients is the gradient of a loss that is the same on all of them.
    """
    count = num_ranks()
    if count == 1:
        return numbers
    total: Tensor = _Sum.apply(numbers)  # type: ignore[no-untyped-call]
    return total / count


class _Sum(torch.autograd.Function):
    """Σ over ranks."""

    @staticmethod
    def forward(ctx: Any, numbers: Tensor) -> Tensor:
        return add_up_(numbers.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return add_up_(gradients[0].clone(memory_format=torch.contiguous_format))
