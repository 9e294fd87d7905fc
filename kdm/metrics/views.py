"""What a published network sees in samples, beside what it sees in real pictures.

A view is a network with a way of resizing. Metrics that ask for the same view share one pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.frechet import Moments
from kdm.metrics.judgements import Judgement
from kdm.metrics.protocol import Reference

# clean-fid's words: bicubic with antialiasing, by Pillow, on floats; or the network's own bilinear
# resize without antialiasing, which is TensorFlow 1's, StyleGAN's and EDM's.
Mode = Literal["clean", "legacy_tensorflow"]


class View(NamedTuple):
    """Which network, and how pictures reach its size."""

    network: str  # a file of the weights folder
    mode: Mode


class RealView(NamedTuple):
    """Real pictures through a network's eyes: features, or published moments of them."""

    of: Reference
    features: NDArray[np.float64] | None  # [m, d]
    moments: Moments | None


@dataclass(frozen=True)
class Seen:
    """Three sets of fresh noise, all of one size, and real ones by the word that metrics use."""

    sha256: str  # of the network's file
    fresh: Judgement
    reference: Judgement
    second_reference: Judgement
    real: Mapping[str, RealView]  # 'train', 'heldout' or the name of a file

    def with_teacher_as_student(self) -> Self:
        """The teacher's second set in the place of the student's samples."""
        return replace(self, fresh=self.second_reference)
