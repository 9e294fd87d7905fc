"""Students whose sample is one pass of one network, alone or against a critic."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

from kdm.batch import Batch
from kdm.losses.adversarial import Game
from kdm.objective import Losses, Objective
from kdm.students.adversarial_steps import Own, objective_of
from kdm.students.one_network import OneNetworkStudent

StudentT = TypeVar("StudentT", bound="OnePassStudent")


class OnePassStudent(OneNetworkStudent, ABC):
    """Subclasses say in `_own` how a batch passes the network, and by which terms it trains."""

    _game: Game | None = None
    _shape: tuple[int, ...] = ()  # of a sample

    def against(self: StudentT, game: Game | None, shape: tuple[int, ...]) -> StudentT:
        """The student itself, which plays this game from now on; `shape` is that of a sample."""
        self._game, self._shape = game, shape
        return self

    @property
    @abstractmethod
    def _own(self) -> Own[Any]: ...

    def objective(self) -> Objective:
        """The student's own terms; with a game also a critic, who steps first on each batch."""
        networks = self.inference_modules()
        return objective_of(self, self._own, networks=networks, game=self._game, shape=self._shape)

    def measure(self, batch: Batch) -> Losses:
        """The weighted sum of its own terms on a batch, without a critic's part."""
        return self._own.measure(batch)
