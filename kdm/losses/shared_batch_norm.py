"""Batch normalisation (Ioffe and Szegedy 2015) of a batch that several processes hold together.

Its statistics are those of all their rows, as if one process had them all, and so are its gradients.
torch's SyncBatchNorm does the same on GPUs, and on nothing else.
"""

from typing import Any

import torch
from torch import Tensor, nn

from kdm.collective import add_up_, num_ranks
from kdm.networks.image_shapes import Images


class SharedBatchNorm2d(nn.BatchNorm2d):
    """torch's own, bit for bit, where a process trains alone. Ranks hold equally many rows."""

    def forward(self, input: Images) -> Images:
        """The same shape."""
        if num_ranks() == 1 or not self.training:
            return super().forward(input)
        x = input.float()
        mean = _averaged(x.mean((0, 2, 3)))
        centred = x - mean[:, None, None]
        variance = _averaged(centred.square().mean((0, 2, 3)))
        self._keep(mean, variance, num_values=num_ranks() * x[:, 0].numel())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, *, num_values: int) -> None:
        """The running statistics, which nothing here reads: as torch keeps them."""
        assert self.running_mean is not None  # this class has them always, and a momentum
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (num_values / (num_values - 1)), self.momentum)


class _Sum(torch.autograd.Function):
    """Σ over ranks; what each rank's value is worth is what it is worth to all of them."""

    @staticmethod
    def forward(ctx: Any, numbers: Tensor) -> Tensor:
        return add_up_(numbers.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return add_up_(gradients[0].clone(memory_format=torch.contiguous_format))


def _averaged(numbers: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(numbers)  # type: ignore[no-untyped-call]
    return total / num_ranks()
