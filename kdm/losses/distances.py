"""Distances d(·,·) between a batch and what it should be (Eqs. 5 and 7): one number a batch.

The paper leaves d open, "such as mean squared error or a perceptual loss" (Sec. 4), and trains with
LPIPS. Here d is a plugin of group `kdm.losses`. Predictions and targets have shape (n, ...) and are in
the objective's scaled units (x_0 over `data_scale`), so that pictures are of −1 … 1 if it is 1. A
distance must draw no random numbers and keep no state: it is called on parts of a batch too.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pydantic import Field

from kdm.shapes import AnyNumber, Samples, Scalar
from storage.plugins import Plugin

GROUP = "kdm.losses"


class Distance(Plugin, ABC):
    """A mean over samples and values, differentiable in both arguments.

    Subclasses set `plugin`, declare their options as fields, and define `distance`.
    """

    @abstractmethod
    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """How far `prediction` (n, ...) is from `target` of the same shape; 0 if they are equal."""

    def distances(self, predictions: Sequence[AnyNumber], target: Samples) -> list[Scalar]:
        """The distance of each prediction, one of k ≤ n samples being compared with the first k targets.

        Reconstruction and prediction of a step have one target. A distance that sees it through a
        network overrides this method, so that the target passes the network once.
        """
        return [self.distance(each, target[: len(each)]) for each in predictions]

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError if it can't compare samples of this shape, or lacks a file.

        It is called before any work starts. `scale` is the `data_scale` that samples are divided by
        before they are compared. Without an override any shape and scale will do.
        """


class L2(Distance):
    """The mean square e² over samples and values; the published code's "L2"."""

    plugin = "l2"

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """mean (prediction − target)²."""
        import torch.nn.functional as F  # imported late: recipes name distances, and need no torch

        return F.mse_loss(prediction, target)


class Huber(Distance):
    """Pseudo-Huber, mean of sqrt(e² + c²) − c (Charbonnier et al. 1997): e²/2c near 0, |e| far from it.

    The published code's "Huber". It turns at each value by itself; see `SampleHuber` for whole samples.
    """

    plugin = "huber"

    c: float = Field(0.03, gt=0)  # the turning point, in units of the samples; the published value

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """mean sqrt(e² + c²) − c."""
        error = prediction - target
        return ((error * error + self.c**2).sqrt() - self.c).mean()
