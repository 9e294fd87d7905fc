"""What the processor does faster: convolutions by torch, or by Winograd's algorithm.

torch's convolutions are oneDNN's, and with vectors of 512 bits they are twice as fast as with 256, while
Winograd's transforms wait for memory as before. The choice follows the processor's abilities, not a timing:
equal machines give equal bytes, whatever else they do. On AVX-512 Winograd's training took 1.1 to 1.6 times
as long as torch's, at five sizes of five; sampling follows it there, unmeasured. `python -m benchmarks
convolutions` measures both.
"""

import os
from functools import cache

import torch

# By what name oneDNN is held to a lower level; it reads both once, as it starts.
HOLDS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WIDE = ("", "ALL", "DEFAULT")


@cache
def has_wide_vectors() -> bool:
    """Whether oneDNN's convolutions work with 512 bits: the processor can, and nothing holds them lower."""
    held = next((os.environ[name].upper() for name in HOLDS if name in os.environ), "")
    return bool(torch.cpu._is_avx512_supported()) and (held in _WIDE or "AVX512" in held)


def held_levels() -> dict[str, str]:
    """The variables by which a run is held to a lower level of arithmetic, where they are set."""
    names = (*HOLDS, "ATEN_CPU_CAPABILITY", "MKL_CBWR")
    return {name: os.environ[name] for name in names if os.environ.get(name)}
