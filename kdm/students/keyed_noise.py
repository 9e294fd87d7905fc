"""Random numbers that belong to a sample: a pure function of its x_T, whatever batch it is in.

Counters under a key are mixed by splitmix64's finaliser (Steele et al. 2014), in integers that wrap,
and become normals by Box and Muller (1958). All of it runs on x_T's device.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from kdm.shapes import Samples

_GOLDEN = -0x61C8864680B583EB  # 2⁶⁴ over the golden ratio, as a signed number
_MIX_1, _MIX_2 = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15  # splitmix64's, signed
_BITS = 24  # of a uniform number: what float32 holds exactly

Words = Int64[Tensor, "..."]


def keyed_normal(x_T: Samples, count: int) -> Float[Tensor, "n count"]:
    """`count` numbers of N(0, 1) for each sample, float32; equal x_T get equal numbers."""
    bits = x_T.to(torch.float32).flatten(1).contiguous().view(torch.int32).to(torch.int64)
    # Sums of integers have no order; the place of a value is mixed in before it is summed.
    key = _mixed(bits + _counters(bits.shape[1], x_T)).sum(1, keepdim=True)
    words = _mixed(key + _counters(count, x_T))
    radius = (-2 * _uniform(words >> (64 - _BITS)).log()).sqrt()
    return radius * (2 * math.pi * _uniform(words)).cos()


def _counters(count: int, like: Tensor) -> Words:
    return _GOLDEN * torch.arange(1, count + 1, device=like.device)


def _mixed(words: Words) -> Words:
    words = (words ^ _shifted(words, 30)) * _MIX_1
    words = (words ^ _shifted(words, 27)) * _MIX_2
    return words ^ _shifted(words, 31)


def _shifted(words: Words, places: int) -> Words:
    """To the right, with zeros coming in: torch's own shift keeps the sign."""
    return (words >> places) & ((1 << (64 - places)) - 1)


def _uniform(words: Words) -> Tensor:
    """In (0, 1), from the last bits."""
    last = (words & ((1 << _BITS) - 1)).to(torch.float32)
    return (last + 0.5) / (1 << _BITS)
