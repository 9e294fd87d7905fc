"""A training batch: named tensors. A subscript is a diffusion time: 0 is data, T is noise."""

from dataclasses import dataclass

from kdm.shapes import Indices, Labels, Samples


@dataclass(frozen=True)
class Batch:
    """n samples: indices, x_0, and for pairs the noise x_T that the teacher carried to x_0."""

    index: Indices
    x_0: Samples
    x_T: Samples | None = None
    label: Labels | None = None

    def noise(self) -> Samples:
        """x_T, or a ValueError where the batch holds points and not pairs."""
        if self.x_T is None:
            raise ValueError(
                "this objective learns from pairs (x_T, x_0) but its source holds points only; "
                "give it a source of kind 'pairs'"
            )
        return self.x_T
