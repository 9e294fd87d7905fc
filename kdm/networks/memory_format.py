"""In which order a map's values are stored: channel by channel, or pixel by pixel (channels_last).

Values and shapes are the same in both; which one is faster depends on the device and on the map's size.
"""

import torch
from torch import Tensor

from kdm.networks.image_shapes import Images
from kdm.networks.plain import uses_own_kernels

# Pixels from which on group norm has a fast path in channels_last; on smaller maps it takes 2 to 6 times
# as long (torch 2.13), which convolutions that are a few per cent faster don't make up for.
_PIXELS_IN_CHANNELS_LAST = 1024


def settled(x: Images, *, times: int = 1) -> Images:
    """x (n, c, h, w) in the memory format that is fastest on a CPU; in training if `is_plain`.

    `times`: what comes next has so many times as many pixels. On a GPU maps follow the weights' format
    (`network.to(memory_format=torch.channels_last)`), and x is given back as it is.
    """
    is_plainer = torch.is_grad_enabled() and not is_plain(x)
    if x.device.type != "cpu" or is_plainer or not uses_own_kernels():
        return x
    order = torch.channels_last if is_large(x, times=times) else torch.contiguous_format
    return x.contiguous(memory_format=order)


def is_large(x: Images, *, times: int = 1) -> bool:
    """Whether maps of this size, or `times` as many pixels, are faster in channels_last."""
    return times * x.shape[2] * x.shape[3] >= _PIXELS_IN_CHANNELS_LAST


def is_plain(x: Tensor) -> bool:
    """Whether this is plain training on a CPU: float32 with gradients, no autocast, no compiler.

    The fast paths of training are for this case alone; others compute as PyTorch does.
    """
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and uses_own_kernels()
    )
