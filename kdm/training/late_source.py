"""The class of sources of batches as a type, without importing torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from kdm.data import Source
else:
    Source = late_type("kdm.data", "Source")

__all__ = ["Source"]
