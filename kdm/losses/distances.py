"""Distances d(·,·) between a batch and what it should be (Eqs. 5 and 7): one number a batch."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pydantic import Field

from kdm.shapes import AnyNumber, Samples, Scalar
from storage.plugins import Plugin

GROUP = "kdm.losses"


class Distance(Plugin, ABC):
    """A mean over samples and values, differentiable in both arguments."""

    @abstractmethod
    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """How far `prediction` is from `target`; 0 where they are equal."""

    def distances(self, predictions: Sequence[AnyNumber], target: Samples) -> list[Scalar]:
        """Of each prediction, one of k samples held against the target's first k.

        A distance that looks at its target through a network looks once.
        """
        return [self.distance(each, target[: len(each)]) for each in predictions]

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError where it cannot compare samples of this shape, or lacks a file for it.

        `scale`: what samples are divided by before they are compared. Most take any.
        """


class L2(Distance):
    """The mean square, over samples and values."""

    plugin = "l2"

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """mean (prediction − target)²."""
        import torch.nn.functional as F  # as late as can be: recipes name distances

        return F.mse_loss(prediction, target)


class Huber(Distance):
    """Pseudo-Huber, mean of sqrt(e² + c²) − c: square near 0, straight far from it (kdm.md 1.1)."""

    plugin = "huber"

    c: float = Field(0.03, gt=0)  # where it turns, in the units of the samples; the published value

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """mean sqrt(e² + c²) − c."""
        error = prediction - target
        return ((error * error + self.c**2).sqrt() - self.c).mean()
