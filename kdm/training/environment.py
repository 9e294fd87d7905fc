"""How torch computes in a training process: device, threads, precision, and always the same bits.

Equal options on equal machines give equal weights, bit for bit. So the number of threads is fixed (sums
depend on it), kernels that differ between runs are refused, and the compiler may not time its kernels
and pick the fastest.
"""

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from kdm.compiler import require_compiler
from kdm.freed_memory import keep_freed_memory
from kdm.training.device import Device
from kdm.training.options import Precision, TrainingOptions


def prepare(device: Device, options: TrainingOptions) -> torch.device:
    """Set up torch for a training, for the whole process; the device that it will run on.

    From then on torch raises if only a kernel that isn't deterministic would do. Raises a
    ValueError, before any work starts, for what this machine can't do.
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
    """A context in which layers compute in this precision (bfloat16), or as they would (any other).

    Weights, averages and Adam's state stay float32, as mixed precision needs them (Micikevicius et al.
    2018, Sec. 3.1), and so do sums over values: losses, norms, softmax. bfloat16 has float32's range, so
    that losses don't need scaling (Kalamkar et al. 2019).
    """
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
    """Say in which type float32 products and convolutions are computed on a GPU."""
    if precision == "tf32" and device.type != "cuda":
        raise ValueError(
            f"training.precision is 'tf32', which needs a GPU, and the device is '{device.type}'; "
            "choose 'float32', or train on a GPU"
        )
    # By default torch computes float32 convolutions in TF32 on a GPU, but not products of matrices.
    is_rounded = precision != "float32"
    torch.set_float32_matmul_precision("high" if is_rounded else "highest")
    torch.backends.cudnn.allow_tf32 = is_rounded


def _prepare_compiler(device: torch.device) -> None:
    """Check that torch.compile works here, and forbid it to choose kernels by their time."""
    require_compiler(device, "training.is_compiled")
    # Otherwise the compiler times its kernels and takes the fastest, which may differ from run to run.
    torch.use_deterministic_algorithms(True)
