"""GET: a transformer that is applied to its own output until it settles (Geng et al. 2023).

    u = g(x_T, y);   z_0 ~ N(0, 1);   z_k = f(z_{k−1}; u, y), k = 1 … K;   x_k = readout(z_k)

The ideal output is the fixed point z* = f(z*; u, y). The published training runs no solver: it applies
f K = 6 times, differentiates through all of them, and holds every x_k against x_0. The published
sampling takes, for each sample, the state that moved least. A state z_k has shape (n, tokens, width).
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from kdm.losses.absolute import L1
from kdm.losses.adversarial import Adversary
from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import Distance
from kdm.networks.transformer_options import EquilibriumOptions
from kdm.students.late_student import Student
from kdm.students.plugin import StudentPlugin
from storage.plugins import Configured
from storage.records import PairSchema


class Get(StudentPlugin):
    """The published training; `network` holds the sizes (GET-S by default), for pictures only."""

    plugin = "get"
    added_later: ClassVar[Mapping[str, Any]] = {"adversary": None}

    network: EquilibriumOptions = EquilibriumOptions()  # its sizes
    sees_labels: bool = True  # if the pairs have any
    num_applications: int = Field(6, ge=1, le=1000)  # of the equilibrium blocks
    # The loss of the state j applications before the last weighs discount^j, as published.
    discount: float = Field(0.8, gt=0, le=1)
    # z_0 is random, as published, or 0; random, it is fresh in training, and a sample's own afterwards.
    start: Literal["noise", "zeros"] = "noise"
    distance: Annotated[Distance, Configured(DISTANCES)] = L1()  # d, of a state and x_0
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units
    adversary: Adversary | None = None  # a critic of the last picture beside d

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that can't be cut into patches, or that d or a critic can't see."""
        self.network.grid(shape)
        self.distance.require_shape(shape, self.data_scale)
        if self.adversary is not None:
            self.adversary.require_shape(shape)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator.

        Raises a ValueError for a schema whose samples aren't pictures.
        """
        from kdm.networks.transformer import EquilibriumTransformer  # torch: imported only to build
        from kdm.students.get_student import GetStudent

        label = schema.label if self.sees_labels else None
        num_classes = label.num_classes if label else 0
        return GetStudent(
            EquilibriumTransformer(self.network, schema.shape, num_classes=num_classes),
            num_classes=num_classes,
            num_applications=self.num_applications,
            discount=self.discount,
            start=self.start,
            distance=self.distance,
            data_scale=self.data_scale,
            noise_scale=schema.noise.scale,
        ).against(self.adversary, schema.shape)
