"""Random words that are a pure function of a key: as many as needed, in any order, on any device.

    word i of key k = mix(k + i · γ)      u = (word mod 2²⁴ + ½) / 2²⁴      √(−2 log u) cos(2π v) ~ N(0, 1)

Counters under a key are mixed by splitmix64's finaliser (Steele et al. 2014; γ is 2⁶⁴ over the golden
ratio), in integers that wrap. Words become uniform numbers u and v, and these normals by Box and Muller
(1958). It is a counter-based generator in the sense of Salmon et al. 2011: it needs no saved state.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Words = Int64[Tensor, "..."]
Numbers = Float[Tensor, "..."]

_GOLDEN = -0x61C8864680B583EB  # 2⁶⁴ over the golden ratio, as a signed number
_MIX_1, _MIX_2 = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15  # splitmix64's, signed
_BITS = 24  # of a uniform number: what float32 holds exactly


def words(keys: Words, count: int, *, first: int | Words = 0) -> Words:
    """Words `first` … `first + count − 1` of each key (n, 1): (n, count)."""
    numbers = first + torch.arange(1, count + 1, device=keys.device)
    return _mixed(keys + _GOLDEN * numbers)


def uniform(given: Words) -> Numbers:
    """U(0, 1) without its ends, float32, from the last 24 bits of each word."""
    last = (given & ((1 << _BITS) - 1)).to(torch.float32)
    return (last + 0.5) / (1 << _BITS)


def normal(given: Words) -> Numbers:
    """N(0, 1), float32, one for each word, from its first and its last 24 bits."""
    radius = (-2 * uniform(given >> (64 - _BITS)).log()).sqrt()
    return radius * (2 * math.pi * uniform(given)).cos()


def _mixed(given: Words) -> Words:
    given = (given ^ _shifted(given, 30)) * _MIX_1
    given = (given ^ _shifted(given, 27)) * _MIX_2
    return given ^ _shifted(given, 31)


def _shifted(given: Words, places: int) -> Words:
    """To the right, with zeros coming in: torch's own shift keeps the sign."""
    return (given >> places) & ((1 << (64 - places)) - 1)
