"""How torch computes in a training process: which device, how many threads, always the same bits."""

import os
from typing import Literal

import torch

Device = Literal["cpu", "cuda", "auto"]


def prepare(device: Device, *, num_threads: int) -> torch.device:
    """Settle device and threads, and refuse kernels that give other bits on another run."""
    # cuBLAS reads it as it starts; without it its results may differ between runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(num_threads)
    # use_deterministic_algorithms(True) does the same and imports the compiler: 1.2 CPU seconds.
    torch.set_deterministic_debug_mode("error")
    # Filling every new tensor with NaN guards kernels that read what they never wrote; it costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda' but torch finds no GPU; use 'cpu' or 'auto'")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)
