"""EDM: a denoiser over noise levels, and the field of its probability-flow ODE (Karras et al. 2022).

x_σ = x_0 + σ ε, and time is the noise level itself: t = σ, from 0 (data) to T = σ_max (noise), whose
x_T has that standard deviation, not one. Then dx/dσ = (x - D(x; σ)) / σ (Eqs. 1 and 3, with
σ(t) = t and s(t) = 1). σ_max is 80, far above the spread of any data that this is for.
"""

from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.networks.image_shapes import OneHot, TimesOrTime
from kdm.networks.mlp import MLP
from kdm.networks.point_denoiser import PointDenoiser
from kdm.networks.preconditioning import EDM
from kdm.networks.song_unet import SongUNet, SongUNetOptions
from kdm.objective import Losses, Objective, Player
from kdm.shapes import Labels, Samples, Scalar
from pairgen.teachers.teacher import Teacher, TeacherPlugin
from storage.options import Options

SIGMA_MAX = 80.0  # ibid., Table 1
# The lowest level that the page's sampler asks for (Table 1). Networks see ln σ, which has no value
# at 0: below this level the field is that at it.
LOWEST_SIGMA = 0.002


class EdmField(Teacher):
    """dx/dσ from a denoiser of (x, σ, one-hot labels); without classes it looks at no label."""

    t_noise = SIGMA_MAX
    noise_scale = SIGMA_MAX

    def __init__(self, denoiser: nn.Module, *, num_classes: int = 0) -> None:
        super().__init__()
        self.denoiser = denoiser
        self._num_classes = num_classes

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """(x - D(x; σ)) / σ at σ = t (0-d or [n]), in x's type; the network works in float32."""
        sigma = t.to(x).reshape(-1).clamp(min=LOWEST_SIGMA)
        denoised = self.denoised(x, sigma, label).to(x)
        return (x - denoised) / sigma.reshape(-1, *[1] * (x.ndim - 1))

    def denoised(self, x: Samples, sigma: TimesOrTime, label: Labels | None = None) -> Samples:
        """D(x; σ), float32: the mean of the data given x."""
        answer: Samples = self.denoiser(x, sigma, self._one_hot(label))
        return answer

    def _one_hot(self, label: Labels | None) -> OneHot | None:
        if label is None or not self._num_classes:
            return None
        return F.one_hot(label, self._num_classes).to(torch.float32)


class MlpNetwork(Options):
    """For samples of shape (d,)."""

    kind: Literal["mlp"] = "mlp"
    width: int = Field(64, ge=1, le=2**16)
    num_layers: int = Field(6, ge=1, le=1000)  # linear layers
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    input_gain: float = Field(2.0, gt=0)  # times the first layer

    def denoiser(
        self, shape: tuple[int, ...], *, num_classes: int, sigma_data: float, dropout: float
    ) -> nn.Module:
        """An untrained D(x; σ); it has no dropout."""
        if len(shape) != 1:
            raise ValueError(
                f"network 'mlp' of teacher 'edm' is for samples of shape (d,), not {shape}; "
                "choose network.kind 'song-unet' for pictures"
            )
        if dropout:
            raise ValueError(
                f"network 'mlp' of teacher 'edm' has no dropout (got {dropout}); set it to 0"
            )
        network = MLP(
            shape[0] + 1 + num_classes,
            shape[0],
            width=self.width,
            num_layers=self.num_layers,
            input_gain=self.input_gain,
            gain=self.gain,
        )
        return PointDenoiser(network, sigma_data=sigma_data, num_classes=num_classes)


class SongNetwork(Options):
    """DDPM++ for square pictures; the defaults are those for CIFAR-10 (ibid., App. F)."""

    kind: Literal["song-unet"] = "song-unet"
    model_channels: int = Field(128, ge=4)
    channel_mult: tuple[int, ...] = Field((2, 2, 2), min_length=1)  # a level, finest first
    num_blocks: int = Field(4, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (16,)  # pixels a side

    def denoiser(
        self, shape: tuple[int, ...], *, num_classes: int, sigma_data: float, dropout: float
    ) -> nn.Module:
        """An untrained D(x; σ)."""
        self._require_picture(shape)
        options = SongUNetOptions(
            img_resolution=shape[1],
            in_channels=shape[0],
            out_channels=shape[0],
            label_dim=num_classes,
            dropout=dropout,
            **self.model_dump(exclude={"kind"}),
        )
        return EDM(SongUNet(options), sigma_data=sigma_data)

    def _require_picture(self, shape: tuple[int, ...]) -> None:
        coarsest = 2 ** (len(self.channel_mult) - 1)
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] % coarsest:
            raise ValueError(
                f"network 'song-unet' of teacher 'edm' is for samples of shape (C, H, H) with H a "
                f"multiple of {coarsest}, as it has {len(self.channel_mult)} levels, not {shape}; "
                "choose network.kind 'mlp' for points, or fewer levels in network.channel_mult"
            )


class EdmTeacher(TeacherPlugin):
    """A denoiser that learns by EDM's loss, of points or of pictures."""

    plugin = "edm"
    is_trained: ClassVar[bool] = True

    network: Annotated[MlpNetwork | SongNetwork, Field(discriminator="kind")] = MlpNetwork()
    num_classes: int = Field(0, ge=0, le=2**16)  # 0: it looks at no label
    sigma_data: float = Field(0.5, gt=0)  # standard deviation of the data (Table 1: of pictures)
    dropout: float = Field(0.0, ge=0, lt=1)
    P_mean: float = -1.2  # of ln σ in training (Table 1: for sigma_data 0.5)
    P_std: float = Field(1.2, gt=0)

    @property
    def noise_scale(self) -> float:
        """The field's."""
        return EdmField.noise_scale

    def build(self, shape: tuple[int, ...]) -> EdmField:
        """An untrained field over samples of `shape`."""
        denoiser = self.network.denoiser(
            shape,
            num_classes=self.num_classes,
            sigma_data=self.sigma_data,
            dropout=self.dropout,
        )
        return EdmField(denoiser, num_classes=self.num_classes)

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new field and EDM's loss on batches of data."""
        field = self.build(shape)
        player = Player("teacher", field, partial(edm_losses, self, field))
        return Objective(field, (player,))


def edm_losses(options: EdmTeacher, field: EdmField, batch: Batch) -> Losses:
    """λ(σ) ‖D(x_0 + σ ε; σ) - x_0‖² per value, ln σ ~ N(P_mean, P_std²) (Eq. 8, Table 1).

    λ(σ) = (σ² + σ_data²) / (σ σ_data)² = 1 / c_out²: an untrained network has the same loss at every
    σ. Draws from torch's global generator, which the trainer seeds at each step.
    """
    x_0 = batch.x_0
    drawn = torch.randn(len(x_0), dtype=x_0.dtype, device=x_0.device)
    sigma = (options.P_mean + options.P_std * drawn).exp()
    column = sigma.reshape(-1, *[1] * (x_0.ndim - 1))
    x = x_0 + column * torch.randn_like(x_0)
    weight = (column**2 + options.sigma_data**2) / (column * options.sigma_data) ** 2
    error = field.denoised(x, sigma, batch.label) - x_0
    loss: Scalar = (weight * error**2).mean()
    return Losses(loss, {"edm": loss.detach()})
