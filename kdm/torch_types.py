"""torch's classes as types, without importing torch, which takes seconds (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from torch import Tensor, device
    from torch.nn import Linear, Module
else:
    Tensor = late_type("torch", "Tensor")
    Linear = late_type("torch.nn", "Linear")
    Module = late_type("torch.nn", "Module")
    device = late_type("torch", "device")

__all__ = ["Linear", "Module", "Tensor", "device"]
