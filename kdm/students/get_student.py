"""GET at work: states that settle, and a loss for each of them (Geng et al. 2023, Sec. 3).

    z_0 ~ N(0, 1);   z_k = f(z_{k−1}; x_T / σ, y), k = 1 … K;   x_k = readout(z_k)

σ is the standard deviation of the pairs' noise: the published network sees x_T of unit variance.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from kdm.batch import Batch
from kdm.losses.distances import Distance
from kdm.networks.transformer import EquilibriumTransformer, States, Tokens
from kdm.randomness.draws import draws
from kdm.randomness.keyed_noise import keyed_normal
from kdm.shapes import Labels, Samples, Scalar
from kdm.students.adversarial_steps import Own
from kdm.students.labels import require_known, required
from kdm.students.one_pass import OnePassStudent
from kdm.students.student import sampling


class _Pictures(NamedTuple):
    """The pictures x_1 … x_K (k, n, c, h, w) of a batch's states, and its x_0 (n, c, h, w), scaled."""

    x_0: Samples
    pictures: Tensor

    @property
    def x_pred(self) -> Samples:
        """x_K."""
        return self.pictures[-1]


class GetStudent(OnePassStudent):
    """x_0^ = readout(z), z an estimate of the fixed point; losses are in units of `data_scale`.

    The arguments are the fields of `kdm.students.get.Get`, and the network that they describe.
    """

    network: EquilibriumTransformer

    def __init__(
        self,
        network: EquilibriumTransformer,
        *,
        num_classes: int,
        num_applications: int,
        discount: float,
        start: Literal["noise", "zeros"],
        distance: Distance,
        data_scale: float,
        noise_scale: float,
    ) -> None:
        super().__init__()
        self.network, self.num_classes = network, num_classes
        self._num_applications, self._discount = num_applications, discount
        self._start_from, self._distance = start, distance
        self._data_scale, self._noise_scale = data_scale, noise_scale

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ (n, c, h, w) in the pairs' units, read from the state with the least ‖z_k − z_{k−1}‖.

        The choice is each sample's own. A random start is a pure function of the sample's x_T, so
        that neither `seed` nor the rest of the batch matters. (Published code starts from fresh
        noise: its samples differ from call to call.)
        Raises a ValueError for missing labels, and for labels outside 0 … num_classes − 1.
        """
        require_known(label, self.num_classes)
        z_0 = self._start(x_T, is_training=False)
        with sampling(self, x_T.device):
            x_0 = self._settled(x_T, z_0, label)
        return x_0.to(x_T.dtype) * self._data_scale

    def drawn(self, batch: Batch) -> Samples:
        """x_0^ (n, c, h, w), with gradients through all states up to the chosen one."""
        x_T = batch.noise()
        z_0 = self._start(x_T, is_training=False)
        return self._settled(x_T, z_0, batch.label) * self._data_scale

    @property
    def _own(self) -> "Own[_Pictures]":
        """Σ_k discount^(K−k) d(x_k, x_0), K the last state; terms are `pred_1` … `pred_K`.

        Earlier states weigh less, so that the end of the iteration matters most.
        """
        last = self._num_applications
        weights = {f"pred_{k}": self._discount ** (last - k) for k in range(1, last + 1)}
        return Own(self._trace, self._terms, weights)

    def _trace(self, batch: Batch) -> "_Pictures":
        x_T, x_0 = batch.noise(), batch.x_0 / self._data_scale
        states = self._states(x_T, self._start(x_T, is_training=True), batch.label)
        pictures = self.network.read(states.flatten(0, 1)).reshape(len(states), *x_0.shape)
        return _Pictures(x_0, pictures)

    def _terms(self, trace: "_Pictures") -> dict[str, Scalar]:
        distances = self._distance.distances(list(trace.pictures), trace.x_0)
        return {f"pred_{k}": each for k, each in enumerate(distances, 1)}

    def _settled(self, x_T: Samples, z_0: Tokens, label: Labels | None) -> Samples:
        read: Samples = self.network.read(_most_settled(z_0, self._states(x_T, z_0, label)))
        return read

    def _states(self, x_T: Samples, z_0: Tokens, label: Labels | None) -> States:
        label = required(label, self.num_classes)
        x = x_T / self._noise_scale
        states: States = self.network(x, z_0, label, self._num_applications)
        return states

    def _start(self, x_T: Samples, *, is_training: bool) -> Tokens:
        shape = x_T.shape[0], *self.network.state_shape
        if self._start_from == "zeros":
            return x_T.new_zeros(shape)
        if is_training:
            return draws().normal(shape, like=x_T)
        return keyed_normal(x_T, shape[1] * shape[2]).reshape(shape)


def _most_settled(z_0: Tokens, states: States) -> Tokens:
    """(n, tokens, width): of z_1 … z_K (k, n, tokens, width) each sample's with the least residual."""
    before = torch.cat([z_0[None].to(states), states[:-1]])
    residuals = (states - before).flatten(2).norm(dim=2)
    best = residuals.argmin(0)
    return states[best, torch.arange(z_0.shape[0], device=best.device)]
