"""Where a run computes: on the CPU or a GPU."""

import sys
from pathlib import Path

DEVICES = ("cpu", "cuda", "auto")
# Of Linux, one of which every GPU has that torch can use: NVIDIA's own driver, Tegra's, WSL's, AMD's.
_GPU_FILES = ("nvidiactl", "nvidia0", "nvhost-ctrl-gpu", "nvmap", "dxg", "kfd")


def require_device(device: str) -> None:
    """A ValueError if the device doesn't exist; torch is imported only for a GPU."""
    if device not in DEVICES:
        raise ValueError(f"no device '{device}'; choose cpu, cuda or auto")
    if device == "cuda":
        settled_device(device)


def settled_device(device: str) -> str:
    """'cpu' or 'cuda'; 'auto' takes the GPU if torch finds one."""
    if device == "cpu" or (device == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not torch.cuda.is_available():
        raise ValueError("device is 'cuda' but torch finds no GPU; use 'cpu' or 'auto'")
    return device


def _may_have_gpu() -> bool:
    """False if this machine can't have one: torch takes seconds to be imported, and isn't asked then."""
    return sys.platform != "linux" or any(Path("/dev", name).exists() for name in _GPU_FILES)
