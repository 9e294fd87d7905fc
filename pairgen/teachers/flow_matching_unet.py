"""Flow matching of pictures: guided-diffusion's U-Net as velocity on the straight path.

Network and keywords are those of torchcfm's CIFAR-10 example (Tong et al. 2024), the U-Net of Dhariwal &
Nichol 2021; path, loss and direction of time are `flow_matching`'s. The network has one label more
than there are classes, meaning "no label".
"""

from typing import ClassVar

from pydantic import Field, model_validator

from kdm.objective import Loss, Objective
from pairgen.samplers.midpoint import Midpoint
from pairgen.teachers.late import PictureVelocity
from pairgen.teachers.plugin import TeacherPlugin, require_labels_to_hide

_PREVIEW_STEPS = 18  # of midpoint: 36 evaluations, about as many as EDM's teachers get


class FlowMatchingUNet(TeacherPlugin):
    """A velocity network for square pictures; the defaults are torchcfm's for CIFAR-10."""

    plugin = "flow-matching-unet"
    is_trained: ClassVar[bool] = True

    # At the finest level; a multiple of 32. With 32 each channel would be normalised by itself, and what
    # is added to it, time and label, would be taken away again.
    num_channels: int = Field(128, ge=64)
    num_res_blocks: int = Field(2, ge=1)  # a level going down; one more going up
    channel_mult: tuple[int, ...] = Field((1, 2, 2, 2), min_length=1)  # a level, finest first
    attention_resolutions: tuple[int, ...] = (16,)  # pixels a side; and at the coarsest level
    num_heads: int = Field(4, ge=1)  # of attention, if num_head_channels is null
    num_head_channels: int | None = Field(64, ge=1)  # channels of a head of attention
    dropout: float = Field(0.1, ge=0, lt=1)  # probability, in training only
    num_classes: int = Field(0, ge=0, le=2**16)  # 0: it looks at no label
    label_dropout: float = Field(0.0, ge=0, lt=1)  # labels hidden in training, for guidance
    flip: bool = False  # half of the pictures mirrored, as if they were data: it draws both

    @model_validator(mode="after")
    def _check_label_dropout(self) -> "FlowMatchingUNet":
        require_labels_to_hide(self.label_dropout, self.num_classes)
        return self

    @property
    def noise_scale(self) -> float:
        """1: noise is N(0, I)."""
        return 1.0

    def build(self, shape: tuple[int, ...]) -> PictureVelocity:
        """An untrained field over pictures of `shape` (C, H, H); a ValueError for other shapes."""
        from kdm.networks.guided_unet import (  # torch: imported only to build
            GuidedUNet,
            GuidedUNetOptions,
        )
        from pairgen.teachers.picture_velocity import PictureVelocity as Built

        self._require(shape)
        options = GuidedUNetOptions(
            in_channels=shape[0],
            out_channels=shape[0],
            model_channels=self.num_channels,
            num_res_blocks=self.num_res_blocks,
            channel_mult=self.channel_mult,
            attention_resolutions=tuple(shape[1] // each for each in self.attention_resolutions),
            num_heads=self.num_heads,
            num_head_channels=self.num_head_channels or -1,
            dropout=self.dropout,
            num_classes=self.num_classes or None,
        )
        return Built(GuidedUNet(options))

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new field over samples of `shape`, and the flow-matching loss on batches of data."""
        from pairgen.teachers.preview import training_of  # torch: imported only to train

        field = self.build(shape)
        sampler = Midpoint(num_steps=_PREVIEW_STEPS)
        return training_of(
            field, self.loss(field), field.network, sampler, shape, num_classes=self.num_classes
        )

    def loss(self, field: PictureVelocity) -> Loss:
        """The loss that the field is trained by."""
        from pairgen.teachers.picture_velocity import PictureLoss  # torch: only to train

        return PictureLoss(
            field,
            num_classes=self.num_classes,
            label_dropout=self.label_dropout,
            flip=self.flip,
        )

    def _require(self, shape: tuple[int, ...]) -> None:
        """Square pictures that halve at each level, and widths that split into heads of attention."""
        coarsest = 2 ** (len(self.channel_mult) - 1)
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] % coarsest:
            raise ValueError(
                "teacher 'flow-matching-unet' is for samples of shape (C, H, H) with H a multiple of "
                f"{coarsest}, as it has {len(self.channel_mult)} levels, not {shape}; choose teacher "
                "'flow-matching' for points, or fewer levels in channel_mult"
            )
        each = self.num_head_channels
        for level, multiple in enumerate(self.channel_mult):
            width = self.num_channels * multiple
            is_attended = level == len(self.channel_mult) - 1 or (
                shape[1] >> level in self.attention_resolutions
            )
            if is_attended and width % (each or self.num_heads):
                raise ValueError(
                    f"attention over {shape[1] >> level} pixels a side has {width} channels, which "
                    f"aren't multiples of {each or self.num_heads}; choose another "
                    f"{'num_head_channels' if each else 'num_heads'}"
                )
