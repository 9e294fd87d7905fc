"""Students that are a single network: all of it trains, and all of it samples."""

from abc import ABC

from torch import nn

from kdm.objective import Objective, Player
from kdm.students.student import Student


class OneNetworkStudent(Student, ABC):
    """A student without latents, hence without an operator; `measure` is its whole loss.

    Subclasses set `network`, and say in `generate` how it is applied to noise.
    """

    operator: None = None
    network: nn.Module  # declared, not assigned: a class attribute would hide the registered module

    def objective(self) -> Objective:
        """One player, whose loss is `measure`; torch.compile may take the network."""
        player = Player("student", self, self.measure)
        return Objective(self, (player,), networks=self.inference_modules())

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """The network: every trainable number also makes samples."""
        return (self.network,)
