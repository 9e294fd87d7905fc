"""What torch.compile needs on a machine: Triton for a GPU, a C++ compiler for a CPU.

It finds out only at the first batch, with a page of messages; here one sentence comes first.
"""

import os
import shutil
import sys
from importlib.util import find_spec

import torch


def require_compiler(device: torch.device, setting: str) -> None:
    """Raise a ValueError that names the `setting` if torch.compile can't work."""
    if device.type == "cuda":
        if find_spec("triton") is None:
            raise ValueError(
                f"{setting} is true, but torch.compile needs 'triton' for a GPU and it is not "
                f"installed; pip install triton, or set {setting} to false"
            )
        return
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise ValueError(
            f"{setting} is true, but torch.compile needs a C++ compiler and '{compiler}' is not found; "
            f"install it, name another in CXX, or set {setting} to false"
        )
