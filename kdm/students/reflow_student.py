"""The velocity of a rectified flow and its losses (Liu et al. 2023, Lee et al. 2024)."""

import math

import torch
from torch import nn

from kdm.batch import Batch
from kdm.draws import draws
from kdm.losses.distances import Distance
from kdm.networks.image_shapes import OneHot, Times
from kdm.objective import Losses, Objective, Player, weighted
from kdm.shapes import Labels, Samples, Scalar
from kdm.students.labels import one_hot, require_known
from kdm.students.reflow import Reflow
from kdm.students.student import Student, sampling
from kdm.students.velocity_networks import build_velocity_network
from storage.records import PairSchema

_NEAREST_TO_AN_END = 1e-5  # of training's times, as published: 1 / t is a weight


class ReflowStudent(Student):
    """v(x_t, t, y), and Euler's method from t = 1 to 0; `num_steps` may be changed at any time."""

    def __init__(self, schema: PairSchema, options: Reflow) -> None:
        super().__init__()
        self.operator = None
        self.network = build_velocity_network(options.network, schema)
        self.num_classes = options.network.num_classes(schema)
        self.num_steps = options.num_steps
        self._options = options
        self._noise_scale = schema.noise.scale

    @property
    def nfe(self) -> int:
        """One a step."""
        return self.num_steps

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ in the pairs' units; no seed matters, and labels where the network sees them."""
        require_known(label, self.num_classes)
        labels = one_hot(label, self.num_classes, like=x_T)
        x = x_T / self._noise_scale
        with sampling(self, x_T.device):
            for step in range(self.num_steps):
                t = x.new_full((1,), 1 - step / self.num_steps)
                x = x - self._velocity(x, t, labels) / self.num_steps
        return x * self._options.data_scale

    def objective(self) -> Objective:
        """One player with one term, or two."""
        player = Player("student", self, self.measure)
        return Objective(self, (player,), networks=(self.network,))

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """All of it."""
        return (self.network,)

    def measure(self, batch: Batch) -> Losses:
        """d(v, x_T − x_0) at random times; with a perceptual distance Lee et al.'s LPIPS-Huber-1/t.

        That is (1 − t) d(v, x_T − x_0) + d'(x_t − t v, x_0) / t: near t = 1 a velocity is judged by
        where it leads.
        """
        options = self._options
        x_0, x_T = batch.x_0 / options.data_scale, batch.noise() / self._noise_scale
        t = u_shaped_times(len(x_0), options.time_exponent, like=x_0)
        column = t.reshape(-1, *[1] * (x_0.ndim - 1))
        x_t = (1 - column) * x_0 + column * x_T
        v = self._velocity(x_t, t, one_hot(batch.label, self.num_classes, like=x_t))
        if options.perceptual is None:
            return weighted({"flow": options.distance.distance(v, x_T - x_0)}, {})
        flow = _weighted_mean(options.distance, v, x_T - x_0, 1 - t)
        pred = _weighted_mean(options.perceptual, x_t - column * v, x_0, 1 / t)
        return weighted({"flow": flow, "pred": pred}, {})

    def _velocity(self, x: Samples, t: Times, labels: OneHot | None) -> Samples:
        v: Samples = self.network(x, t, labels)
        return v


def u_shaped_times(count: int, exponent: float, *, like: Samples) -> Times:
    """Times [n] of density ∝ exp(a (t − ½)) + exp(−a (t − ½)), a hair's breadth from 0 and 1.

    One of two mirrored exponentials, by the inverse of its distribution: log(1 + u (e^a − 1)) / a.
    """
    u, side = draws().uniform((2, count), like=like, axis=1)
    t = (u * math.expm1(exponent)).log1p() / exponent if exponent else u
    t = torch.where(side < 0.5, t, 1 - t)
    return t.clamp(_NEAREST_TO_AN_END, 1 - _NEAREST_TO_AN_END)


def _weighted_mean(d: Distance, given: Samples, wanted: Samples, weight: Times) -> Scalar:
    """E w d: a distance is of a batch, so each sample is made a batch of its own."""
    each = torch.vmap(lambda one, other: d.distance(one[None], other[None]))(given, wanted)
    return (weight * each).mean()
