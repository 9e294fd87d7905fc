"""Winograd's 3×3 convolutions against torch's on this processor, at the sizes of CIFAR-10's networks.

One thread, CPU seconds, in turns, whatever the processor's default is
(kdm/networks/fast/processor.py). Below 1 Winograd's are faster. `kept`: with kernels transformed
beforehand, as students sample.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.networks.fast import winograd, winograd_learning

NUM_ROUNDS, NUM_IMAGES = 9, 8
SIZES = ((64, 32), (128, 32), (128, 16), (256, 16), (256, 32))  # channels, pixels a side


def table() -> Iterator[str]:
    yield "| channels, pixels | sampling | sampling, kept | training |"
    yield "|---|---:|---:|---:|"
    for channels, side in SIZES:
        torch.manual_seed(0)
        x = torch.randn(NUM_IMAGES, channels, side, side)
        x = x.contiguous(memory_format=torch.channels_last)
        weight, bias = 0.1 * torch.randn(channels, channels, 3, 3), torch.randn(channels)
        ratios = [*_sampling(x, weight, bias), _training(x, weight, bias)]
        yield (
            f"| {channels}, {side}×{side} | " + " | ".join(f"{each:.2f}" for each in ratios) + " |"
        )


@torch.no_grad()
def _sampling(x: Tensor, weight: Tensor, bias: Tensor) -> Iterator[float]:
    kept = winograd.transformed(weight)
    plain = partial(F.conv2d, x, weight, bias, padding=1)
    yield _ratio(lambda: winograd.convolve(x, weight, bias), plain)
    yield _ratio(lambda: winograd.multiply(x, kept, bias), plain)


def _training(x: Tensor, weight: Tensor, bias: Tensor) -> float:
    given = [each.clone().requires_grad_() for each in (x, weight, bias)]
    of_y = torch.randn_like(x)

    def step(convolve: Callable[..., Tensor]) -> Callable[[], object]:
        return lambda: torch.autograd.grad(convolve(*given), given, of_y)

    plain = step(lambda x, weight, bias: F.conv2d(x, weight, bias, padding=1))
    return _ratio(step(winograd_learning.convolve), plain)


def _ratio(ours: Callable[[], object], plain: Callable[[], object]) -> float:
    rounds = [[_seconds(each) for each in (ours, plain)] for _ in range(1 + NUM_ROUNDS)]
    mine, theirs = zip(*rounds[1:], strict=True)
    return float(statistics.median(mine) / statistics.median(theirs))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
