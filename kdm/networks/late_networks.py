"""Networks as types, without importing torch (storage/late_type.py)."""

from typing import TYPE_CHECKING

from storage.late_type import late_type

if TYPE_CHECKING:
    from kdm.networks.mlp import MLP
    from kdm.networks.preconditioning import Preconditioner
    from kdm.networks.song_unet import SongUNet
else:
    MLP = late_type("kdm.networks.mlp", "MLP")
    Preconditioner = late_type("kdm.networks.preconditioning", "Preconditioner")
    SongUNet = late_type("kdm.networks.song_unet", "SongUNet")

__all__ = ["MLP", "Preconditioner", "SongUNet"]
