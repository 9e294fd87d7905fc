"""EDM: a denoiser over noise levels, and the field of its probability-flow ODE (Karras et al. 2022).

x_σ = x_0 + σ ε with ε ~ N(0, I), and time is the noise level itself: t = σ, from 0 (data) to T = σ_max = 80
(noise), whose x_T has that standard deviation, not one. Then dx/dσ = (x - D(x; σ)) / σ (Eqs. 1 and 3, with
σ(t) = t and s(t) = 1).

The denoiser D is a preconditioned network F (Eq. 7, coefficients of Table 1, which depend on
`sigma_data`: kdm/networks/preconditioning.py):

    D(x; σ) = c_skip(σ) x + c_out(σ) F(c_in(σ) x; c_noise(σ))
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from kdm.objective import Loss, Objective
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.teachers.augmentation_options import NUM_LABELS, Augmentation
from pairgen.teachers.edm_levels import SIGMA_MAX
from pairgen.teachers.edm_networks import DhariwalNetwork, MlpNetwork, SongNetwork, Task
from pairgen.teachers.late import EdmField
from pairgen.teachers.plugin import TeacherPlugin, require_labels_to_hide


class EdmTeacher(TeacherPlugin):
    """A denoiser of points (d,) or pictures (C, H, H), trained with EDM's loss.

    Fields added later are left out of the digest while they have their neutral values, so that older
    teachers keep their names.
    """

    plugin = "edm"
    added_later: ClassVar[Mapping[str, Any]] = {
        "augment": None,
        "flip": False,
        "label_dropout": 0.0,
    }
    is_trained: ClassVar[bool] = True

    # An MLP for points, a U-Net for pictures.
    network: Annotated[MlpNetwork | SongNetwork | DhariwalNetwork, Field(discriminator="kind")] = (
        MlpNetwork()
    )
    num_classes: int = Field(0, ge=0, le=2**16)  # 0: it looks at no label
    sigma_data: float = Field(0.5, gt=0)  # standard deviation of the data (Table 1: of pictures)
    dropout: float = Field(0.0, ge=0, lt=1)  # probability, in training only
    P_mean: float = -1.2  # of ln σ in training (Table 1: for sigma_data 0.5)
    P_std: float = Field(1.2, gt=0)  # standard deviation of ln σ in training
    augment: Augmentation | None = None  # which the network gets as labels: it draws without
    flip: bool = False  # half of the pictures mirrored, as if they were data: it draws both
    label_dropout: float = Field(0.0, ge=0, lt=1)  # labels hidden in training, for guidance

    @model_validator(mode="after")
    def _check_label_dropout(self) -> "EdmTeacher":
        require_labels_to_hide(self.label_dropout, self.num_classes)
        return self

    @property
    def noise_scale(self) -> float:
        """80, in the units of the data."""
        return SIGMA_MAX

    def build(self, shape: tuple[int, ...]) -> EdmField:
        """An untrained field over samples of `shape`; a ValueError if the network isn't for that shape."""
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
        from pairgen.teachers.edm_field import (
            EdmField as Built,  # torch: imported only to build
        )

        return Built(self.network.denoiser(shape, task), num_classes=self.num_classes)

    def network_for_students(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
        """Its U-Net with EDM's preconditioner; a ValueError for points."""
        if isinstance(self.network, MlpNetwork):
            return super().network_for_students(shape)
        keywords = self.network.keywords(
            shape, num_classes=self.num_classes, sigma_data=self.sigma_data
        )
        return "EDMPrecond", keywords

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new field over samples of `shape`, and EDM's loss on batches of data."""
        from pairgen.teachers.preview import training_of  # torch: imported only to train

        field = self.build(shape)
        sampler = EdmHeun() if len(shape) == 3 else None
        return training_of(
            field, self.loss(field), field.denoiser, sampler, shape, num_classes=self.num_classes
        )

    def loss(self, field: EdmField) -> Loss:
        """The loss that the field is trained by."""
        from pairgen.teachers.edm_loss import EdmLoss  # torch: imported only to train

        return EdmLoss(
            field,
            sigma_data=self.sigma_data,
            P_mean=self.P_mean,
            P_std=self.P_std,
            augment=self.augment,
            flip=self.flip,
        )
