"""Students that follow a velocity along the straight lines between the ends of a pair (Liu et al. 2023).

x_t = (1 − t) x_0 + t x_T,   x_{t − 1/k} = x_t − v / k,   t from 1 (noise) down to 0 (data), k steps
"""

from abc import ABC, abstractmethod

import torch

from kdm.batch import Batch
from kdm.networks.image_shapes import OneHot, Times
from kdm.shapes import Labels, Samples
from kdm.students.labels import one_hot, require_known
from kdm.students.one_network import OneNetworkStudent
from kdm.students.student import sampling


class FlowStudent(OneNetworkStudent, ABC):
    """x_T → x_0^ in `num_steps` even steps, whose number may be changed at any time.

    Subclasses set what is declared here, and define which velocity a step follows. x_T is divided by
    `noise_scale` and x_0 by `data_scale`.
    """

    num_steps: int
    data_scale: float
    noise_scale: float

    @abstractmethod
    def followed(self, x: Samples, t: Times, labels: OneHot | None) -> Samples:
        """The velocity (n, ...) of the step that leaves x (n, ...) at t (1,), in scaled units."""

    @property
    def nfe(self) -> int:
        """One evaluation a step."""
        return self.num_steps

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ (n, ...) in the pairs' units: x ← x − v / num_steps, t from 1 down.

        Nothing random: `seed` doesn't matter. Raises a ValueError for missing labels, and for labels
        outside 0 … num_classes − 1, if the network sees labels.
        """
        require_known(label, self.num_classes)
        with sampling(self, x_T.device):
            x = self._integrated(x_T, label)
        return x * self.data_scale

    def drawn(self, batch: Batch) -> Samples:
        """x_0^ (n, ...), with gradients through all `num_steps` evaluations, which memory has to hold."""
        return self._integrated(batch.noise(), batch.label) * self.data_scale

    def _integrated(self, x_T: Samples, label: Labels | None) -> Samples:
        labels = one_hot(label, self.num_classes, like=x_T)
        x = x_T / self.noise_scale
        for step in range(self.num_steps):
            t = x.new_full((1,), 1 - step / self.num_steps)
            x = x - self.followed(x, t, labels) / self.num_steps
        return x
