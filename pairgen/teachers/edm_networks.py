"""The networks that an EDM teacher may have, as options; each builds an untrained denoiser D(x; σ).

| kind | network | of |
|---|---|---|
| mlp | a few linear layers | points in the plane |
| song-unet | DDPM++ (Song et al. 2021), EDM's choice for 32 to 64 pixels | pictures |
| dhariwal-unet | ADM (Dhariwal & Nichol 2021), EDM's choice for ImageNet | pictures |
"""

from typing import Any, Literal, NamedTuple

from pydantic import Field

from kdm.torch_types import Module
from storage.options import Options


class Task(NamedTuple):
    """What the teacher needs from a denoiser, with any network."""

    num_classes: int  # 0: it looks at no label
    sigma_data: float
    dropout: float
    label_dropout: float  # share of labels that training hides
    num_augmentations: int  # labels of an augmentation; 0: none


class MlpNetwork(Options):
    """For samples of shape (d,), one hidden width; D is preconditioned as that of pictures."""

    kind: Literal["mlp"] = "mlp"
    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(6, ge=1, le=1000)  # linear layers
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    input_gain: float = Field(2.0, gt=0)  # times the first layer

    def denoiser(self, shape: tuple[int, ...], task: Task) -> Module:
        """An untrained D(x; σ); a ValueError for dropout, hidden labels or augmentation."""
        if len(shape) != 1:
            raise ValueError(
                f"network 'mlp' of teacher 'edm' is for samples of shape (d,), not {shape}; "
                "choose network.kind 'song-unet' for pictures"
            )
        for name in ("dropout", "label_dropout"):
            if value := getattr(task, name):
                words = name.replace("_", " ")
                raise ValueError(
                    f"network 'mlp' of teacher 'edm' doesn't support {words} (got {value}); set it to 0"
                )
        if task.num_augmentations:
            raise ValueError(
                "network 'mlp' of teacher 'edm' is for points, which can't be augmented; "
                "remove 'augment'"
            )
        from kdm.networks.mlp import MLP  # torch: imported only to build
        from kdm.networks.point_denoiser import PointDenoiser

        network = MLP(
            shape[0] + 1 + task.num_classes,
            shape[0],
            width=self.width,
            num_layers=self.num_layers,
            input_gain=self.input_gain,
            gain=self.gain,
        )
        return PointDenoiser(network, sigma_data=task.sigma_data, num_classes=task.num_classes)


class SongNetwork(Options):
    """DDPM++ for square pictures; the defaults are those for CIFAR-10 (Karras et al. 2022, App. F)."""

    kind: Literal["song-unet"] = "song-unet"
    model_channels: int = Field(128, ge=4)  # of a level whose multiplier is 1
    channel_mult: tuple[int, ...] = Field((2, 2, 2), min_length=1)  # a level, finest first
    num_blocks: int = Field(4, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (16,)  # pixels a side

    def denoiser(self, shape: tuple[int, ...], task: Task) -> Module:
        """An untrained D(x; σ)."""
        from kdm.networks.preconditioning import EDM  # torch: imported only to build
        from kdm.networks.song_unet import SongUNet, SongUNetOptions

        keywords = _keywords(self, shape, task)
        return EDM(SongUNet(SongUNetOptions.model_validate(keywords)), sigma_data=task.sigma_data)

    def keywords(
        self, shape: tuple[int, ...], *, num_classes: int, sigma_data: float
    ) -> dict[str, Any]:
        """What kdm/networks/build.py builds the same D from, without what is for training alone."""
        return {"model_type": "SongUNet", **_published(self, shape, num_classes, sigma_data)}


class DhariwalNetwork(Options):
    """ADM for square pictures; the defaults are those for ImageNet-64 (ibid., App. F)."""

    kind: Literal["dhariwal-unet"]
    model_channels: int = Field(192, ge=4)  # of a level whose multiplier is 1
    channel_mult: tuple[int, ...] = Field((1, 2, 3, 4), min_length=1)  # a level, finest first
    num_blocks: int = Field(3, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (32, 16, 8)  # pixels a side; 64 channels or more a level
    initialisation: Literal[2] = 2  # raised by a change of the weights that training starts from

    def denoiser(self, shape: tuple[int, ...], task: Task) -> Module:
        """An untrained D(x; σ)."""
        from kdm.networks.dhariwal_unet import (  # torch: imported only to build
            DhariwalUNet,
            DhariwalUNetOptions,
        )
        from kdm.networks.preconditioning import EDM

        options = DhariwalUNetOptions.model_validate(_keywords(self, shape, task))
        return EDM(DhariwalUNet(options), sigma_data=task.sigma_data)

    def keywords(
        self, shape: tuple[int, ...], *, num_classes: int, sigma_data: float
    ) -> dict[str, Any]:
        """What kdm/networks/build.py builds the same D from, without what is for training alone."""
        return {"model_type": "DhariwalUNet", **_published(self, shape, num_classes, sigma_data)}


def _published(
    network: SongNetwork | DhariwalNetwork,
    shape: tuple[int, ...],
    num_classes: int,
    sigma_data: float,
) -> dict[str, Any]:
    """The keywords that both U-Nets have, as JSON values."""
    _require_picture(network, shape)
    return {
        **network.model_dump(mode="json", exclude={"kind", "initialisation"}),
        "img_resolution": shape[1],
        "img_channels": shape[0],
        "label_dim": num_classes,
        "sigma_data": sigma_data,
    }


def _keywords(
    network: SongNetwork | DhariwalNetwork, shape: tuple[int, ...], task: Task
) -> dict[str, object]:
    """The options of either U-Net, in the keywords of its published code."""
    _require_picture(network, shape)
    return {
        **network.model_dump(exclude={"kind", "initialisation"}),
        "img_resolution": shape[1],
        "in_channels": shape[0],
        "out_channels": shape[0],
        "label_dim": task.num_classes,
        "augment_dim": task.num_augmentations,
        "dropout": task.dropout,
        "label_dropout": task.label_dropout,
    }


def _require_picture(network: SongNetwork | DhariwalNetwork, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless `shape` is (C, H, H), and H can be halved once for each level but one."""
    num_levels = len(network.channel_mult)
    coarsest = 2 ** (num_levels - 1)
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] % coarsest:
        raise ValueError(
            f"network '{network.kind}' of teacher 'edm' is for samples of shape (C, H, H) with H a "
            f"multiple of {coarsest}, as it has {num_levels} levels, not {shape}; "
            "choose network.kind 'mlp' for points, or fewer levels in network.channel_mult"
        )
