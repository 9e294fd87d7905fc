"""What a published network sees in samples, beside what it sees in real pictures.

A view is a network with a way of resizing. Metrics that ask for the same view share one pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, Self

from kdm.metrics.feature_rows import Features
from kdm.metrics.frechet import FrechetTo, Moments
from kdm.metrics.protocol import Reference

# clean-fid's words: bicubic with antialiasing, by Pillow, on floats; the network's own bilinear resize
# without antialiasing, which is TensorFlow 1's, StyleGAN's and EDM's; or torch's, and the network of
# pytorch-fid.
Mode = Literal["clean", "legacy_tensorflow", "legacy_pytorch"]


class PictureInput(NamedTuple):
    """How pictures reach a network that says nothing about it: bytes / 255, less mean, over deviation."""

    size: int  # pixels a side
    resize: Literal["bicubic", "bilinear"]  # by torch, with antialiasing
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


class View(NamedTuple):
    """Which network, and how pictures reach its size."""

    network: str  # a file of the weights folder
    mode: str  # a `Mode`, or 'own' with an input that is stated
    given: PictureInput | None = None


class Sight(NamedTuple):
    """What a network sees in n pictures."""

    features: Features  # [n, d]
    probabilities: Features | None  # [n, classes], of networks that have any


@dataclass(frozen=True)
class RealView:
    """Real pictures through a network's eyes: features, or published moments of them."""

    of: Reference
    features: Features | None  # [m, d]
    moments: Moments | None

    @cached_property
    def frechet(self) -> FrechetTo:
        """The Fréchet distance from them."""
        found = self.features if self.moments is None else self.moments
        assert found is not None  # a view of real pictures has either
        return FrechetTo(found)


@dataclass(frozen=True)
class Seen:
    """Two sets of one size, of fresh noise and of the teacher's, and real ones by metrics' words."""

    sha256: str  # of the network's file
    fresh: Sight
    teachers: Sight
    real: Mapping[str, RealView]  # 'train', 'heldout' or the name of statistics
    heldout: Sight | None = None  # real pictures that may stand in the student's place

    def with_teacher_as_student(self) -> Self:
        """The teacher's set in the place of the student's samples."""
        return replace(self, fresh=self.teachers)
