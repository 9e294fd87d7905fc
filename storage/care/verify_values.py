"""What no sample of a schema may have: a wrong label, NaN, Inf, a value out of range."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.noise import derive_labels
from storage.records import Columns, PairSchema


def wrong_values(schema: PairSchema, split: str, columns: Columns) -> Iterator[str]:
    """What is wrong with a shard's columns, in words."""
    if schema.label is not None and not _are_labels(columns, schema, split):
        yield f"holds labels that the rule '{schema.label.rule}' of {schema.label.num_classes} does not give"
    endless = [
        name
        for name in ("x_0", "x_T", "states")
        if name in columns and not _is_finite(columns[name])
    ]
    yield from (f"holds {name} with NaN or Inf" for name in endless)
    ends = schema.value_range
    if ends is not None and "x_0" not in endless and not _is_within(columns["x_0"], ends):
        yield f"holds x_0 outside {ends[0]:g} to {ends[1]:g}"


def _are_labels(columns: Columns, schema: PairSchema, split: str) -> bool:
    label, rule = columns["label"], schema.label
    assert rule is not None  # the caller asks only if there is one
    if rule.rule == "stored":
        return not len(label) or 0 <= label.min() <= label.max() < rule.num_classes
    seed, index = schema.noise.seed, columns["index"]
    return np.array_equal(label, derive_labels(rule, seed=seed, split=split, index=index))


def _is_finite(array: NDArray[Any]) -> bool:
    if array.dtype.kind == "u":
        return True
    with np.errstate(invalid="ignore"):  # of Inf - Inf
        # The sum of finite numbers in float64 is finite: one pass, no copy.
        return bool(np.isfinite(array.sum(dtype=np.float64)))


def _is_within(x_0: NDArray[Any], value_range: tuple[float, float]) -> bool:
    """Whether stored values are in the range; bytes by the number that each represents."""
    if not x_0.size:
        return True
    low, high = float(x_0.min()), float(x_0.max())
    if x_0.dtype == np.uint8:
        # By either rule a byte b represents numbers from (b - 128) / 127.5 to (b - 127) / 127.5.
        return (low - 127) / 127.5 >= value_range[0] and (high - 128) / 127.5 <= value_range[1]
    # Rounding keeps order, so what was in the range is within its rounded ends.
    ends = [float(x_0.dtype.type(end)) for end in value_range]
    return min(ends[0], value_range[0]) <= low and high <= max(ends[1], value_range[1])
