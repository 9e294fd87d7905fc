"""torch's classes as types, without torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from torch import Tensor, device
    from torch.nn import Module
else:
    Tensor = late_type("torch", "Tensor")
    Module = late_type("torch.nn", "Module")
    device = late_type("torch", "device")

__all__ = ["Module", "Tensor", "device"]
