"""A training batch: named tensors. A subscript is a diffusion time: 0 is data, T is noise."""

import math
from dataclasses import dataclass

from kdm.shapes import Indices, Labels, Samples


@dataclass(frozen=True)
class Batch:
    """n samples: indices, x_0, and for pairs the noise x_T that the teacher carried to x_0.

    A step's batch, or one of `num_parts` equal parts to which its rows were dealt in turn.
    """

    index: Indices
    x_0: Samples
    x_T: Samples | None = None
    label: Labels | None = None
    num_parts: int = 1

    def num_first(self, share: float) -> int:
        """How many of its rows, always its first, are among the first `share` of the step's batch.

        Raises a ValueError where parts have not equally many of them.
        """
        whole = len(self.x_0) * self.num_parts
        together = math.ceil(share * whole)
        if together % self.num_parts:
            raise ValueError(
                f"a share of {share} of training.batch_size {whole} are {together} "
                f"samples, of which {self.num_parts} parts of a batch cannot have equally "
                "many; choose another share or batch size, or fewer ranks and micro-batches"
            )
        return together // self.num_parts

    def noise(self) -> Samples:
        """x_T, or a ValueError where the batch holds points and not pairs."""
        if self.x_T is None:
            raise ValueError(
                "this objective learns from pairs (x_T, x_0) but its source holds points only; "
                "give it a source of kind 'pairs'"
            )
        return self.x_T
