"""In which order a map's values lie in memory."""

import torch
from torch import Tensor

from kdm.networks.image_shapes import Images

# Group norm in channels_last has a fast path from here on; below it takes 2 to 6 times as long
# (torch 2.13), for which convolutions that are some per cent faster do not make up.
_PIXELS_IN_CHANNELS_LAST = 1024


def settled(x: Images, *, times: int = 1) -> Images:
    """x in the order that a CPU's layers are fastest in, in training only where `is_plain`.

    `times` so many pixels are what comes next. On a GPU maps follow the weights:
    `network.to(memory_format=torch.channels_last)`.
    """
    if x.device.type != "cpu" or (torch.is_grad_enabled() and not is_plain(x)):
        return x
    order = torch.channels_last if is_large(x, times=times) else torch.contiguous_format
    return x.contiguous(memory_format=order)


def is_large(x: Images, *, times: int = 1) -> bool:
    """Whether maps of so many pixels should lie in channels_last."""
    return times * x.shape[2] * x.shape[3] >= _PIXELS_IN_CHANNELS_LAST


def is_plain(x: Tensor) -> bool:
    """Whether x is float32 on a CPU and gradients are wanted, by neither autocast nor the compiler."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )
