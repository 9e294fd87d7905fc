"""The features whose moments a finish compares, as options; which network they come from is their identity.

A finish that lowers a distance over a network's features spoils every metric over that network for judging
it. So these options say which network it is (`kdm/finish/judges.py` reads it), and a random one, which no
metric uses, is the default.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Literal

from pydantic import Field

from kdm.finish.feature_types import FeatureMap
from kdm.losses.random_features import RandomFeatures
from kdm.metrics.network_metric import INCEPTION
from kdm.pretrained import sha256_of_weights, weights_file
from kdm.torch_types import device as Device
from storage.options import Options

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of values in 0 … 1


class MomentFeatures(Options, ABC):
    """Features f(x) (d,) of a picture by a network that never learns."""

    @property
    def file(self) -> str | None:
        """The network's name in the weights folder; None for one that needs no file."""
        return None

    @property
    @abstractmethod
    def words(self) -> str:
        """What they are, for a card."""

    @abstractmethod
    def build(self, device: Device) -> FeatureMap:
        """f on a device, through which gradients pass; a ValueError if a file is missing or won't do."""

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError unless samples are pictures (1 or 3, h, w) that the network can take."""
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise ValueError(
                f"finish compares features of pictures [1 or 3, H, W], and samples have shape {shape}; "
                "leave it out"
            )

    def require_files(self) -> None:
        """Raise a ValueError if the network's file is missing or isn't what its name says."""
        if self.file is not None:
            otherwise = "leave out finish.features, whose default needs no file"
            weights_file(self.file, of="finish", otherwise=otherwise)

    def network_sha256(self) -> str | None:
        """Of the file, None without one; a ValueError if it is missing or isn't what its name says."""
        self.require_files()
        return None if self.file is None else sha256_of_weights(self.file)


class RandomMaps(MomentFeatures):
    """Unit features of random convolutions (kdm/losses/random_network.py), averaged over a grid's areas."""

    kind: Literal["random-features"] = "random-features"
    seed: int = Field(1, ge=0, lt=2**32)  # another than the default of the distance of that name
    width: int = Field(16, ge=1, le=1024)  # channels of the first layer
    num_layers: int = Field(3, ge=1, le=6)  # each has half the side and twice the channels
    grid: int = Field(1, ge=1, le=16)  # areas a side: d = grid² · width · (2^num_layers − 1)

    @property
    def words(self) -> str:
        """Without a file."""
        return f"random-features of seed {self.seed}"

    @property
    def network(self) -> RandomFeatures:
        """The network, as a distance has it."""
        return RandomFeatures(seed=self.seed, width=self.width, num_layers=self.num_layers)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError also for pictures whose last layer would have less than 2 pixels a side."""
        super().require_shape(shape)
        smallest = max(self.network.smallest_side, self.grid * 2 ** (self.num_layers - 1))
        if min(shape[1:]) < smallest:
            raise ValueError(
                f"finish.features needs pictures of {smallest} pixels a side, and these have "
                f"{min(shape[1:])}; set its num_layers or its grid lower"
            )

    def build(self, device: Device) -> FeatureMap:
        """The same numbers on every machine."""
        from kdm.finish.feature_maps import Pooled  # torch: only to compute

        return Pooled(self.network.network(device), self.grid)


class FileFeatures(MomentFeatures):
    """A TorchScript network x [n, 3, size, size] → features [n, d] of the user's, as `fd-features` has it."""

    kind: Literal["network"]
    network: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")  # a file in the weights folder
    size: int = Field(224, ge=8, le=1_024)  # pixels a side
    resize: Literal["bicubic", "bilinear"] = "bicubic"  # torch's, with antialiasing
    mean: tuple[float, float, float] = _IMAGENET[0]  # taken from values in 0 … 1
    deviation: tuple[float, float, float] = _IMAGENET[1]  # by which they are divided then

    @property
    def file(self) -> str:
        """The network's."""
        return self.network

    @property
    def words(self) -> str:
        """By the file."""
        return self.network

    def build(self, device: Device) -> FeatureMap:
        """f of the file."""
        from kdm.finish.feature_maps import Resized, scripted  # torch: only to compute
        from kdm.metrics.views import PictureInput

        given = PictureInput(self.size, self.resize, self.mean, self.deviation)
        return Resized(scripted(self.network, device), given)


class InceptionFeatures(MomentFeatures):
    """Inception as published for FID, of pictures resized as clean-fid does (`mode: clean` of the metric)."""

    kind: Literal["inception"]

    @property
    def file(self) -> str:
        """StyleGAN's."""
        return INCEPTION

    @property
    def words(self) -> str:
        """By its name."""
        return "Inception"

    def build(self, device: Device) -> FeatureMap:
        """h(x) (2,048,)."""
        from kdm.finish.feature_maps import Resized, scripted  # torch: only to compute
        from kdm.metrics.views import PictureInput

        # (x − 128) / 128 of values 0 … 255, as kdm/evaluate/feature_network.py gives them to the layers.
        given = PictureInput(299, "bicubic", (128 / 255,) * 3, (128 / 255,) * 3)
        return Resized(scripted(INCEPTION, device).layers, given)


AnyFeatures = Annotated[RandomMaps | FileFeatures | InceptionFeatures, Field(discriminator="kind")]
