"""GET at work: states that settle, and a loss for each of them (Geng et al. 2023)."""

import torch
from torch import nn

from kdm.batch import Batch
from kdm.draws import draws
from kdm.networks.transformer import EquilibriumTransformer, States, Tokens
from kdm.objective import Losses, Objective, Player, weighted
from kdm.shapes import Labels, Samples
from kdm.students.get import Get
from kdm.students.keyed_noise import keyed_normal
from kdm.students.labels import require_known, required
from kdm.students.student import Student, sampling
from storage.records import PairSchema


class GetStudent(Student):
    """x_0^ = readout(z), z an estimate of the fixed point; losses are in units of `data_scale`."""

    def __init__(self, schema: PairSchema, options: Get) -> None:
        super().__init__()
        self.operator = None
        label = schema.label if options.sees_labels else None
        self.num_classes = label.num_classes if label else 0
        self.network = EquilibriumTransformer(
            options.network, schema.shape, num_classes=self.num_classes
        )
        self._options = options
        self._noise_scale = schema.noise.scale

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ in the pairs' units: of each sample the state with the least ‖z_k − z_{k−1}‖.

        A random start is a pure function of the sample's x_T, so no seed matters, nor the batch.
        """
        require_known(label, self.num_classes)
        z_0 = self._start(x_T, is_training=False)
        with sampling(self, x_T.device):
            settled = _most_settled(z_0, self._states(x_T, z_0, label))
            x_0 = self.network.read(settled)
        return x_0.to(x_T.dtype) * self._options.data_scale

    def objective(self) -> Objective:
        """One player with a term for each state."""
        player = Player("student", self, self.measure)
        return Objective(self, (player,), networks=(self.network,))

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """All of it."""
        return (self.network,)

    def measure(self, batch: Batch) -> Losses:
        """Σ_k discount^(K−k) d(x_k, x_0), K the last state; terms are `pred_1` … `pred_K`."""
        x_T, options = batch.noise(), self._options
        x_0 = batch.x_0 / options.data_scale
        states = self._states(x_T, self._start(x_T, is_training=True), batch.label)
        pictures = self.network.read(states.flatten(0, 1)).reshape(len(states), *x_0.shape)
        distances = options.distance.distances(list(pictures), x_0)
        terms = {f"pred_{k}": each for k, each in enumerate(distances, 1)}
        last = len(terms) - 1
        weights = [options.discount ** (last - before) for before in range(len(terms))]
        return weighted(terms, dict(zip(terms, weights, strict=True)))

    def _states(self, x_T: Samples, z_0: Tokens, label: Labels | None) -> States:
        label = required(label, self.num_classes)
        x = x_T / self._noise_scale
        states: States = self.network(x, z_0, label, self._options.num_applications)
        return states

    def _start(self, x_T: Samples, *, is_training: bool) -> Tokens:
        shape = len(x_T), *self.network.state_shape
        if self._options.start == "zeros":
            return x_T.new_zeros(shape)
        if is_training:
            return draws().normal(shape, like=x_T)
        return keyed_normal(x_T, shape[1] * shape[2]).reshape(shape)


def _most_settled(z_0: Tokens, states: States) -> Tokens:
    before = torch.cat([z_0[None].to(states), states[:-1]])
    residuals = (states - before).flatten(2).norm(dim=2)
    best = residuals.argmin(0)
    return states[best, torch.arange(len(z_0), device=best.device)]
