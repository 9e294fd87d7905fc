"""GET: a transformer that is applied to its own output until it settles (Geng et al. 2023).

z_0 ~ N(0, 1); z_k = f(z_{k−1}; x_T, y), k = 1 … 6; x_k = readout(z_k). Training differentiates all
applications and looks at all states; a sample is the state that moved least (kdm.md 2).
"""

from typing import Annotated, Literal

from pydantic import Field

from kdm.losses.absolute import L1
from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import Distance
from kdm.networks.transformer_options import EquilibriumOptions
from kdm.students.late import Student
from kdm.students.plugin import StudentPlugin
from storage.plugins import Configured
from storage.records import PairSchema


class Get(StudentPlugin):
    """The published training; sizes are `network`'s."""

    plugin = "get"

    network: EquilibriumOptions = EquilibriumOptions()
    sees_labels: bool = True  # where the pairs have some
    num_applications: int = Field(6, ge=1, le=1000)  # of the equilibrium blocks
    # The loss of the state k applications before the last weighs discount^k.
    discount: float = Field(0.8, gt=0, le=1)
    # z_0 is random, as published, or 0; random, it is fresh in training, and a sample's own afterwards.
    start: Literal["noise", "zeros"] = "noise"
    distance: Annotated[Distance, Configured(DISTANCES)] = L1()
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where its network or a distance cannot take such samples."""
        self.network.grid(shape)
        self.distance.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> Student:
        """A student for pairs of this schema, with weights from torch's global generator."""
        from kdm.students.get_student import GetStudent  # torch: only who builds waits for it

        return GetStudent(schema, self)
