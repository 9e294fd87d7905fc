"""Published rows as pairs: which end is noise, what it is multiplied by, and the stored types."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.importers.imported import ImportOptions
from storage.importers.published import PublishedRows, PublishedSource
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema


@dataclass(frozen=True)
class Conversion:
    """How rows become pairs: which end is noise, what it is multiplied by, and the stored types."""

    noise_is_first: bool
    factor: float
    schema: PairSchema

    def pairs(self, rows: PublishedRows, index: NDArray[np.int64]) -> PairBatch:
        """Float32 pairs, nothing rounded further yet; wider numbers are cast, float32 is the widest."""
        ends = (rows.first, rows.last) if self.noise_is_first else (rows.last, rows.first)
        between = rows.between
        if between is not None and not self.noise_is_first:
            between = between[:, ::-1]
        x_T, x_0 = self._scaled(ends[0]), _float32(ends[1])
        states = None if between is None else _float32(between)
        return PairBatch(index, x_T, x_0, rows.label, states)

    def _scaled(self, noise: NDArray[Any]) -> NDArray[np.float32]:
        if self.factor == 1:
            return _float32(noise)
        return _float32(noise.astype(np.float64) * self.factor)


def schema_of(
    source: PublishedSource, options: ImportOptions, *, noise_scale: float = 1.0
) -> PairSchema:
    """What one pair of the imported set is."""
    classes = source.num_classes
    return PairSchema(
        shape=source.shape,
        x_0_dtype=options.x_0_dtype,
        rounding="half-even" if options.x_0_dtype == "uint8" else "none",
        noise=NoiseRule(kind="stored", scale=noise_scale),
        x_T_dtype=options.x_T_dtype,
        label=None if classes is None else LabelRule(rule="stored", num_classes=classes),
        num_states=source.num_between,
        states_dtype=options.states_dtype,
    )


def _float32(array: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, and is found as such
        return np.ascontiguousarray(array, np.float32)
