"""The levels of EDM's two U-Nets: their options, and the layers of encoder and decoder.

Each level has half the side of the one before it and `model_channels · channel_mult` channels
(Karras et al. 2022, App. C). The encoder has `num_blocks` blocks a level, the decoder one more, and
each of those also takes one kept map. Names of layers begin with the side of their maps, `16x16_`,
as in the released checkpoints.
"""

from collections.abc import Iterator

from pydantic import Field

from kdm.networks.edm_layers import Block, BlockStyle, Conv
from storage.options import Options


class LevelOptions(Options):
    """Options by the names of the released networks, whose defaults differ.

    `img_resolution` must be divisible by two for every level but the first.
    """

    img_resolution: int = Field(ge=1)  # pixels a side
    in_channels: int = Field(ge=1)
    out_channels: int = Field(ge=1)
    label_dim: int = Field(0, ge=0)  # classes; 0: none
    augment_dim: int = Field(0, ge=0)  # augmentation parameters; 0: none
    model_channels: int = Field(ge=4)
    channel_mult: tuple[int, ...] = Field(min_length=1)  # a level, finest first
    channel_mult_emb: int = Field(4, ge=1)  # of the embedding
    num_blocks: int = Field(ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...]  # pixels a side
    dropout: float = Field(0.10, ge=0, lt=1)
    label_dropout: float = Field(0.0, ge=0, lt=1)  # share of labels that training hides

    @property
    def in_shape(self) -> tuple[int, int, int]:
        """(channels, H, H) of a picture that goes in."""
        return self.in_channels, self.img_resolution, self.img_resolution

    @property
    def embedding(self) -> int:
        """Channels of the embedding."""
        return self.model_channels * self.channel_mult_emb


def encoder_layers(
    o: LevelOptions, style: BlockStyle, *, first: int
) -> Iterator[tuple[str, Conv | Block]]:
    """Names and layers from the finest level down; the first convolution gives `first` channels.

    A level begins with the first convolution or a halving block; `num_blocks` blocks follow, all with
    attention if the level's side is among `attn_resolutions`.
    """
    here = first
    for level, multiple in enumerate(o.channel_mult):
        name, has_attention = _level(o, level)
        if level == 0:
            yield name + "conv", Conv(o.in_channels, here, kernel=3)
        else:
            yield name + "down", Block(here, here, style=style, resample="down")
        for number in range(o.num_blocks):
            before, here = here, o.model_channels * multiple
            block = Block(before, here, style=style, has_attention=has_attention)
            yield f"{name}block{number}", block


def decoder_layers(
    o: LevelOptions, style: BlockStyle, skips: list[int], *, attends_in_all: bool
) -> Iterator[tuple[str, Block]]:
    """Names and layers from the lowest level up; each block takes the next of `skips`, last first.

    `skips` are the channels of the encoder's maps, and are used up; the encoder's last map is the
    decoder's input. A level with attention has it in all its blocks (ADM), or in the last one (DDPM++).
    """
    here, lowest = skips[-1], len(o.channel_mult) - 1
    for level in range(lowest, -1, -1):
        name, has_attention = _level(o, level)
        if level == lowest:
            yield name + "in0", Block(here, here, style=style, has_attention=True)
            yield name + "in1", Block(here, here, style=style)
        else:
            yield name + "up", Block(here, here, style=style, resample="up")
        for number in range(o.num_blocks + 1):
            before, here = here + skips.pop(), o.model_channels * o.channel_mult[level]
            attends = has_attention and (attends_in_all or number == o.num_blocks)
            yield f"{name}block{number}", Block(before, here, style=style, has_attention=attends)


def _level(o: LevelOptions, level: int) -> tuple[str, bool]:
    side = o.img_resolution >> level
    return f"{side}x{side}_", side in o.attn_resolutions
