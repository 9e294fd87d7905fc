"""A training batch: named tensors, never an order. A subscript is a diffusion time: 0 data, T noise.

x_0 = Φ_T(x_T):  the teacher's flow carried the noise x_T to the sample x_0 (Sec. 4)
"""

import math
from dataclasses import dataclass

from kdm.shapes import Indices, Labels, Samples, States


@dataclass(frozen=True)
class Batch:
    """n samples: their indices (n,), x_0 (n, ...), and for pairs x_T (n, ...) and labels (n,) if any.

    A step's batch, or one of `num_parts` equal parts of it that got its rows in turn. x_0 is float32,
    pictures are of −1 … 1; x_T is float32 and not divided by anything, as are the K points `states`
    (n, K, ...) of each trajectory between x_T and x_0, which are there for students that read them.
    """

    index: Indices  # (n,)
    x_0: Samples  # (n, ...)
    x_T: Samples | None = None  # (n, ...); None for points without noise
    label: Labels | None = None  # (n,)
    num_parts: int = 1  # of how many parts of a step's batch it is one
    share_done: float = 0.0  # of training, before this batch's step
    states: States | None = None  # (n, K, ...), from noise to data

    def num_first(self, share: float) -> int:
        """How many of its rows, always its first ones, are among the first `share` of the step's batch.

        Raises a ValueError if the parts would have different numbers of them: the mean over parts
        would then not be the mean over samples.
        """
        whole = len(self.x_0) * self.num_parts
        together = math.ceil(share * whole)
        if together % self.num_parts:
            raise ValueError(
                f"a share of {share} of training.batch_size {whole} is {together} samples, which "
                f"{self.num_parts} parts of a batch can't share evenly; choose another share or "
                "batch size, or fewer ranks and micro-batches"
            )
        return together // self.num_parts

    def noise(self) -> Samples:
        """x_T, or a ValueError if the batch holds points and not pairs."""
        if self.x_T is None:
            raise ValueError(
                "this objective learns from pairs (x_T, x_0) but its source holds points only; "
                "give it a source of kind 'pairs'"
            )
        return self.x_T

    def between(self) -> States:
        """The stored states (n, K, ...), from noise to data; a ValueError if there aren't any."""
        if self.states is None:
            raise ValueError(
                "this objective learns from states between noise and data, but its source doesn't "
                "read any; give it pairs that hold states (pairs.pairs.num_states)"
            )
        return self.states
