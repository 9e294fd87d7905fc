"""Sizes of a SongUNet in its DDPM++ form (Song et al. 2021), as KDM's networks have them (App. E.3).

The network is EDM's (Karras et al. 2022, Table 7) without its preconditioning: no c_in, c_skip or c_out,
and a constant instead of the noise level. The defaults are KDM's for CIFAR-10 (Table 7).
"""

from typing import Literal

from pydantic import Field

from kdm.networks.late_networks import SongUNet
from storage.options import Options


class UNetSizes(Options):
    """Channels, levels and blocks of a U-Net for square pictures."""

    kind: Literal["song-unet"]
    model_channels: int = Field(64, ge=4)  # of a level whose multiplier is 1
    channel_mult: tuple[int, ...] = Field((1, 2, 2, 2), min_length=1)  # a level, finest first
    num_blocks: int = Field(4, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (16,)  # pixels a side
    dropout: float = Field(0.10, ge=0, lt=1)  # probability, in training only

    def side(self, shape: tuple[int, ...]) -> int:
        """The side H in pixels of samples (C, H, H).

        Raises a ValueError for samples that aren't square pictures, or that so many levels can't halve.
        """
        factor = 2 ** (len(self.channel_mult) - 1)
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(
                f"networks of kind 'song-unet' are for square pictures, of shape (C, H, H), not {shape}; "
                "for points there are MLPs"
            )
        if shape[1] % factor:
            raise ValueError(
                f"channel_mult has {len(self.channel_mult)} levels, so a side must be a multiple of "
                f"{factor}, and these pictures have {shape[1]} pixels; give it fewer levels"
            )
        return shape[1]

    def unet(
        self,
        shape: tuple[int, ...],
        *,
        in_channels: int,
        out_channels: int,
        num_classes: int,
        augment_dim: int = 0,
    ) -> SongUNet:
        """A network of (x (n, in_channels, H, H), time (n,) or (1,), one-hot labels or None).

        It gives (n, out_channels, H, H); H is the side of samples of `shape`. Initial weights come from
        torch's global generator. With an `augment_dim` it also sees rows of so many numbers, which join
        the time; EDM passes the parameters of an augmentation there. Raises as `side`.
        """
        from kdm.networks.song_unet import SongUNet as Built  # torch: imported only to build
        from kdm.networks.song_unet import SongUNetOptions

        return Built(
            SongUNetOptions(
                img_resolution=self.side(shape),
                in_channels=in_channels,
                out_channels=out_channels,
                label_dim=num_classes,
                augment_dim=augment_dim,
                model_channels=self.model_channels,
                channel_mult=self.channel_mult,
                num_blocks=self.num_blocks,
                attn_resolutions=self.attn_resolutions,
                dropout=self.dropout,
            )
        )
