"""The fields of the teachers as types, for plugins that must not import torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from pairgen.teachers.edm_field import EdmField
    from pairgen.teachers.flow_matching_field import FlowMatchingField
    from pairgen.teachers.gaussian_field import GaussianField
    from pairgen.teachers.picture_velocity import PictureVelocity
else:
    _HERE = "pairgen.teachers"
    EdmField = late_type(f"{_HERE}.edm_field", "EdmField")
    FlowMatchingField = late_type(f"{_HERE}.flow_matching_field", "FlowMatchingField")
    GaussianField = late_type(f"{_HERE}.gaussian_field", "GaussianField")
    PictureVelocity = late_type(f"{_HERE}.picture_velocity", "PictureVelocity")

__all__ = ["EdmField", "FlowMatchingField", "GaussianField", "PictureVelocity"]
