"""EDM: a denoiser over noise levels, and the field of its probability-flow ODE (Karras et al. 2022).

x_σ = x_0 + σ ε, and time is the noise level itself: t = σ, from 0 (data) to T = σ_max (noise), whose
x_T has that standard deviation, not one. Then dx/dσ = (x - D(x; σ)) / σ (Eqs. 1 and 3, with
σ(t) = t and s(t) = 1). σ_max is 80, far above the spread of any data that this is for.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.draws import draws
from kdm.networks.image_shapes import Augmentations, OneHot, TimesOrTime
from kdm.networks.preconditioning import Preconditioner
from kdm.objective import Losses, Objective, Player
from kdm.shapes import Labels, Samples, Scalar
from pairgen.precision import in_type
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.teachers.augmentation import NUM_LABELS, Augmentation, augmented, mirrored
from pairgen.teachers.edm_networks import DhariwalNetwork, MlpNetwork, SongNetwork, Task
from pairgen.teachers.preview import preview
from pairgen.teachers.teacher import Teacher, TeacherPlugin

SIGMA_MAX = 80.0  # ibid., Table 1
# The lowest level that the page's sampler asks for (Table 1). Networks see ln σ, which has no value
# at 0: below this level the field is that at it.
LOWEST_SIGMA = 0.002


class EdmField(Teacher):
    """dx/dσ from a denoiser of (x, σ, one-hot labels); without classes it looks at no label.

    The noise levels are those that a preconditioner knows, up to 80; x_T has the level nearest to the
    highest, which is a little above 80 for iDDPM.
    """

    t_noise = SIGMA_MAX
    noise_scale = SIGMA_MAX

    def __init__(self, denoiser: nn.Module, *, num_classes: int = 0) -> None:
        super().__init__()
        self.denoiser = denoiser
        self._num_classes = num_classes
        if isinstance(denoiser, Preconditioner):
            self.t_noise = min(SIGMA_MAX, denoiser.sigma_max)
            self.t_lowest = denoiser.sigma_min
            self.noise_scale = self.rounded(self.t_noise)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """(x - D(x; σ)) / σ at σ = t (0-d or [n]), in x's type."""
        sigma = t.to(x).reshape(-1).clamp(min=max(LOWEST_SIGMA, self.t_lowest))
        denoised = self.denoised(x, sigma, label).to(x)
        return (x - denoised) / sigma.reshape(-1, *[1] * (x.ndim - 1))

    def denoised(
        self,
        x: Samples,
        sigma: TimesOrTime,
        label: Labels | None = None,
        augmentations: Augmentations | None = None,
    ) -> Samples:
        """D(x; σ), float32: the mean of the data given x; the network works in `dtype`."""
        if isinstance(self.denoiser, Preconditioner):
            return self.denoiser(  # type: ignore[no-any-return]
                x, sigma, self._one_hot(label), augmentations, dtype=self.dtype
            )
        with in_type(self.dtype, x.device):
            return self.denoiser(x, sigma, self._one_hot(label))  # type: ignore[no-any-return]

    def rounded(self, t: float) -> float:
        """The nearest noise level that the denoiser knows."""
        if not isinstance(self.denoiser, Preconditioner):
            return t
        return float(self.denoiser.round_sigma(torch.tensor(t, dtype=torch.float64)))

    def _one_hot(self, label: Labels | None) -> OneHot | None:
        if label is None or not self._num_classes:
            return None
        return F.one_hot(label, self._num_classes).to(torch.float32)


class EdmTeacher(TeacherPlugin):
    """A denoiser that learns by EDM's loss, of points or of pictures."""

    plugin = "edm"
    added_later: ClassVar[Mapping[str, Any]] = {
        "augment": None,
        "flip": False,
        "label_dropout": 0.0,
    }
    is_trained: ClassVar[bool] = True

    network: Annotated[MlpNetwork | SongNetwork | DhariwalNetwork, Field(discriminator="kind")] = (
        MlpNetwork()
    )
    num_classes: int = Field(0, ge=0, le=2**16)  # 0: it looks at no label
    sigma_data: float = Field(0.5, gt=0)  # standard deviation of the data (Table 1: of pictures)
    dropout: float = Field(0.0, ge=0, lt=1)
    P_mean: float = -1.2  # of ln σ in training (Table 1: for sigma_data 0.5)
    P_std: float = Field(1.2, gt=0)
    augment: Augmentation | None = None  # which the network is told of, so that it draws none
    flip: bool = False  # half of the pictures mirrored, as if they were data: it draws both
    label_dropout: float = Field(0.0, ge=0, lt=1)  # labels hidden in training, for guidance

    @model_validator(mode="after")
    def _check_label_dropout(self) -> "EdmTeacher":
        if self.label_dropout and not self.num_classes:
            raise ValueError(
                f"label_dropout is {self.label_dropout}, but without num_classes there are no "
                "labels to hide; give num_classes, or set it to 0"
            )
        return self

    @property
    def noise_scale(self) -> float:
        """The field's."""
        return EdmField.noise_scale

    def build(self, shape: tuple[int, ...]) -> EdmField:
        """An untrained field over samples of `shape`."""
        if self.flip and len(shape) != 3:
            raise ValueError(
                f"flip is for pictures, of shape (C, H, W), not {shape}; set it to false"
            )
        task = Task(
            num_classes=self.num_classes,
            sigma_data=self.sigma_data,
            dropout=self.dropout,
            label_dropout=self.label_dropout,
            num_augmentations=NUM_LABELS if self.augment else 0,
        )
        return EdmField(self.network.denoiser(shape, task), num_classes=self.num_classes)

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new field and EDM's loss on batches of data."""
        field = self.build(shape)
        player = Player("teacher", field, partial(edm_losses, self, field))
        if len(shape) != 3:
            return Objective(field, (player,), networks=(field.denoiser,))
        draw = partial(preview, field, EdmHeun(), shape, num_classes=self.num_classes)
        return Objective(field, (player,), draw=draw, networks=(field.denoiser,))


def edm_losses(options: EdmTeacher, field: EdmField, batch: Batch) -> Losses:
    """λ(σ) ‖D(x_0 + σ ε; σ) - x_0‖² per value, ln σ ~ N(P_mean, P_std²) (Eq. 8, Table 1).

    λ(σ) = (σ² + σ_data²) / (σ σ_data)² = 1 / c_out²: an untrained network has the same loss at every
    σ. Random numbers are those of `kdm.draws`, which the trainer chooses.
    """
    x_0 = mirrored(batch.x_0) if options.flip else batch.x_0
    x_0, told = augmented(x_0, options.augment) if options.augment else (x_0, None)
    drawn = draws().normal((len(x_0),), like=x_0)
    sigma = (options.P_mean + options.P_std * drawn).exp()
    column = sigma.reshape(-1, *[1] * (x_0.ndim - 1))
    x = x_0 + column * draws().normal_like(x_0)
    weight = (column**2 + options.sigma_data**2) / (column * options.sigma_data) ** 2
    error = field.denoised(x, sigma, batch.label, told) - x_0
    loss: Scalar = (weight * error**2).mean()
    return Losses(loss, {"edm": loss.detach()})
