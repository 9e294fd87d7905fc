"""Which convolutions are faster on this processor: torch's, or Winograd's algorithm.

torch's convolutions are oneDNN's. With vectors of 512 bits they are twice as fast as with 256, while
Winograd's transforms are limited by memory in both cases. The choice follows the processor's abilities
and not a timing, so that equal machines give equal bytes at any load. On AVX-512 training with
Winograd took 1.1 to 1.6 times as long as with torch, at five sizes out of five; sampling uses the
same choice without its own measurement. `python -m benchmarks convolutions` measures both.
"""

import os
from functools import cache

import torch

# Variables that hold oneDNN to a lower instruction set; it reads them once, when it starts.
HOLDS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WIDE = ("", "ALL", "DEFAULT")


@cache
def has_wide_vectors() -> bool:
    """Whether oneDNN's convolutions use 512 bits: the processor can, and no variable forbids it."""
    held = next((os.environ[name].upper() for name in HOLDS if name in os.environ), "")
    return bool(torch.cpu._is_avx512_supported()) and (held in _WIDE or "AVX512" in held)


def held_levels() -> dict[str, str]:
    """The variables that hold a run to a lower instruction set, with their values if set."""
    names = (*HOLDS, "ATEN_CPU_CAPABILITY", "MKL_CBWR")
    return {name: os.environ[name] for name in names if os.environ.get(name)}
