"""Batch normalisation (Ioffe and Szegedy 2015, Algorithm 1) of a batch that several processes hold.

    y = γ (x − μ) / √(σ² + ε) + β,   μ and σ² of each channel over the rows of all processes

So are the gradients: a critic trained on several ranks sees the batch that one process would see.
torch's SyncBatchNorm does the same, but only on GPUs.
"""

import torch
from torch import Tensor, nn

from kdm.collective import mean_over_ranks, num_ranks
from kdm.networks.image_shapes import Images


class SharedBatchNorm2d(nn.BatchNorm2d):
    """torch's own layer, bit for bit, if a process trains alone.

    Ranks must hold equally many rows, which `kdm.training.micro_batches` sees to: only then is the mean of
    their means the mean of all rows.
    """

    def forward(self, input: Images) -> Images:
        """(n, c, h, w), n this rank's rows, to the same shape and type; statistics are float32."""
        if num_ranks() == 1 or not self.training:
            return super().forward(input)
        x = input.float()
        mean = mean_over_ranks(x.mean((0, 2, 3)))
        centred = x - mean[:, None, None]
        variance = mean_over_ranks(centred.square().mean((0, 2, 3)))
        self._keep(mean, variance, num_values=num_ranks() * x[:, 0].numel())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, *, num_values: int) -> None:
        """Update the running statistics as torch does (σ² with Bessel's correction).

        Nothing in this project reads them: the discriminator never evaluates.
        """
        assert self.running_mean is not None  # this class has them always, and a momentum
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (num_values / (num_values - 1)), self.momentum)
