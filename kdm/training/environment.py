"""How torch computes in a training process: device, threads, precision, always the same bits."""

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from kdm.compiler import require_compiler
from kdm.freed_memory import keep_freed_memory
from kdm.training.device import Device
from kdm.training.options import Precision, TrainingOptions


def prepare(device: Device, options: TrainingOptions) -> torch.device:
    """Settle all that is torch's own, and refuse kernels that give other bits on another run.

    Raises a ValueError, before any work, for what this machine cannot do.
    """
    chosen = _device(device)
    # cuBLAS reads it as it starts; without it its results may differ between runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(options.num_threads)
    keep_freed_memory()
    # use_deterministic_algorithms(True) does the same and imports the compiler: 1.2 CPU seconds.
    torch.set_deterministic_debug_mode("error")
    # Filling every new tensor with NaN guards kernels that read what they never wrote; it costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    _set_precision(chosen, options.precision)
    if options.is_compiled:
        _prepare_compiler(chosen)
    return chosen


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Within it layers compute in this precision; sums over values and weights stay float32."""
    if precision != "bfloat16":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def _device(device: Device) -> torch.device:
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda' but torch finds no GPU; use 'cpu' or 'auto'")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def _set_precision(device: torch.device, precision: Precision) -> None:
    if precision == "tf32" and device.type != "cuda":
        raise ValueError(
            f"training.precision is 'tf32', which a GPU has and '{device.type}' has not; choose "
            "'float32', or train on a GPU"
        )
    # By torch's own choice convolutions of float32 are TF32 on a GPU, and products of matrices are not.
    is_rounded = precision != "float32"
    torch.set_float32_matmul_precision("high" if is_rounded else "highest")
    torch.backends.cudnn.allow_tf32 = is_rounded


def _prepare_compiler(device: torch.device) -> None:
    require_compiler(device, "training.is_compiled")
    # Without it the compiler times its kernels and takes the fastest, which may be another next time.
    torch.use_deterministic_algorithms(True)
