"""Where a shard was made: equal spec, layout and environment give equal bytes (docs/store.md).

Sums of floats depend on their order, and the order on the device, on the vector width that torch and its
libraries use, on the batch and on the number of threads. So each shard's record names all of these.
"""

import platform
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kdm.networks.fast.processor import has_wide_vectors, held_levels


def environment(
    device: torch.device, *, precision: str, sampling_batch: int, is_compiled: bool = False
) -> dict[str, Any]:
    """What a record says about the machine and the arithmetic that made its shard, as JSON values."""
    made_in = {
        "device": device.type,
        "device_model": device_model(device),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "cuda": torch.version.cuda,  # None for a build without it
        "precision": precision,
        "matmul_precision": torch.get_float32_matmul_precision(),
        "sampling_batch": sampling_batch,
        "threads": torch.get_num_threads(),
    }
    # Only if set, so that records written before there was a choice stay as they are.
    held, chosen = held_levels(), dict[str, Any]()
    if device.type == "cpu" and held:
        chosen["held_levels"] = held
    if device.type == "cpu" and has_wide_vectors():
        chosen["convolutions"] = "torch"  # elsewhere some are Winograd's
    return made_in | chosen | ({"compiled": True} if is_compiled else {})


@cache
def device_model(device: torch.device) -> str:
    """The name of the GPU or the processor, as the machine reports it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        for line in cpu_info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
