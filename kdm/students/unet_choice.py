"""One U-Net for pictures as the network of a student: SongUNet in its DDPM++ form (kdm.md 1.2)."""

from typing import Literal

from pydantic import Field

from kdm.networks.late import SongUNet
from storage.options import Options
from storage.records import PairSchema


class UNetChoice(Options):
    """From pictures to pictures; the defaults are those of KDM's networks for CIFAR-10 (Table 7)."""

    kind: Literal["song-unet"]
    model_channels: int = Field(64, ge=4)
    channel_mult: tuple[int, ...] = Field((1, 2, 2, 2), min_length=1)  # a level, finest first
    num_blocks: int = Field(4, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (16,)  # pixels a side
    dropout: float = Field(0.10, ge=0, lt=1)
    sees_labels: bool = True  # where the pairs have some

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that are no square pictures, or too small for the levels."""
        square_side(shape, self.channel_mult)

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the network is told apart; 0 where it sees no label."""
        return 0 if schema.label is None or not self.sees_labels else schema.label.num_classes

    def build(self, schema: PairSchema) -> SongUNet:
        """A network of (x, time, one-hot labels or None), with weights from torch's generator."""
        from kdm.networks.song_unet import SongUNet as Built  # torch: only who builds waits for it
        from kdm.networks.song_unet import SongUNetOptions

        return Built(
            SongUNetOptions(
                img_resolution=square_side(schema.shape, self.channel_mult),
                in_channels=schema.shape[0],
                out_channels=schema.shape[0],
                label_dim=self.num_classes(schema),
                model_channels=self.model_channels,
                channel_mult=self.channel_mult,
                num_blocks=self.num_blocks,
                attn_resolutions=self.attn_resolutions,
                dropout=self.dropout,
            )
        )


def square_side(shape: tuple[int, ...], channel_mult: tuple[int, ...]) -> int:
    """Pixels a side; a ValueError for what a U-Net of so many levels cannot halve."""
    factor = 2 ** (len(channel_mult) - 1)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(
            f"networks of kind 'song-unet' are for square pictures, of shape (C, H, H), not {shape}; "
            "for points there are MLPs"
        )
    if shape[1] % factor:
        raise ValueError(
            f"channel_mult has {len(channel_mult)} levels, so a side must be a multiple of "
            f"{factor}, and these pictures have {shape[1]} pixels; give it fewer levels"
        )
    return shape[1]
