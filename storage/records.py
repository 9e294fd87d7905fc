"""Pairs in memory: named arrays, and the schema that says what they must be."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from storage.digest import canonical_json
from storage.errors import DamageError, InvalidPairsError
from storage.options import LastingOptions, Options

Columns = dict[str, NDArray[Any]]
Rounding = Literal["none", "half-even", "floor"]
# Why a pair may not be written; a filter's reasons are others.
INVALID_REASONS = ("nan", "inf", "range")
PURGED = (
    "purged"  # why a pair that was stored is gone: a filter's decision dropped it (docs/privacy.md)
)
MAX_VALUES = 2**24  # in one sample: 64 MB of float32, four times a 3×1024×1024 image and more
MAX_STATES = 64
# From here on float16 rounds to Inf: half way from its largest number, 65,504, to 65,536.
_FLOAT16_OVERFLOW = 65_520.0
_MAX_AXES = 8  # numpy allows 64; a picture has 3, a film 4


class NoiseRule(Options):
    """Where x_T comes from (docs/store.md, 'A sample')."""

    kind: Literal["philox-v1", "stored"] = "philox-v1"  # derived from the index, or stored
    seed: int = Field(0, ge=0, le=2**64 - 1)  # part of the Philox key; unused if stored
    scale: float = Field(1.0, gt=0)  # standard deviation of x_T: 1 for flow matching, 80 for EDM


class LabelRule(Options):
    """Where a sample's class comes from."""

    # By index in turn, drawn from the index, or as imported.
    rule: Literal["cycle", "uniform", "stored"] = "cycle"
    num_classes: int = Field(ge=1)  # labels are 0 … num_classes − 1


class RowType(NamedTuple):
    """What one row of a column is: little-endian on disk, as in memory."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * math.prod(self.shape)


class PairSchema(LastingOptions):
    """What one pair is. Time convention: 0 is data, T is noise."""

    added_later: ClassVar[Mapping[str, Any]] = {"x_T_dtype": "float32", "states_dtype": "float32"}

    shape: tuple[int, ...]  # of one sample: (d,) or (C, H, W)
    x_0_dtype: Literal["uint8", "float16", "float32"] = "float32"  # number type of samples on disk
    # How x_0 became x_0_dtype; of bytes 'half-even' is rint(127.5 x + 127.5), and 'floor' is
    # floor(127.5 x + 128), as EDM's generate.py writes images (Karras et al. 2022).
    rounding: Rounding = "none"
    value_range: tuple[float, float] | None = None  # of a valid x_0, including both ends
    noise: NoiseRule = NoiseRule()  # where x_T comes from
    x_T_dtype: Literal["float16", "float32"] = "float32"  # of stored noise; derived is float32
    label: LabelRule | None = None  # where classes come from; null: samples have none
    num_states: int = Field(0, ge=0, le=MAX_STATES)  # stored between noise and data, ends excluded
    states_dtype: Literal["float16", "float32"] = "float32"  # number type of states on disk

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= len(self.shape) <= _MAX_AXES:
            raise ValueError(f"shape has {len(self.shape)} sides; a sample has 1 to {_MAX_AXES}")
        shape = str(self.shape)[:80]
        if min(self.shape) < 1:
            raise ValueError(f"shape is {shape}; every side must be at least 1")
        if self.num_values > MAX_VALUES:
            raise ValueError(f"shape is {shape}; a sample has at most {MAX_VALUES:,} values")
        if self.value_range and self.value_range[0] >= self.value_range[1]:
            raise ValueError(f"value_range is {self.value_range}; the lower end comes first")
        self._require_one_name_for_one_thing()
        return self

    def _require_one_name_for_one_thing(self) -> None:
        """No option that changes nothing: two sets that hold the same would differ in name."""
        if self.x_T_dtype != "float32" and self.noise.kind != "stored":
            raise ValueError("x_T_dtype is of stored noise; with derived noise leave it out")
        if self.states_dtype != "float32" and not self.num_states:
            raise ValueError("states_dtype is of stored states; without num_states leave it out")
        if self.rounding == "floor" and self.x_0_dtype != "uint8":
            raise ValueError(f"rounding 'floor' makes uint8, x_0_dtype is {self.x_0_dtype}")

    @property
    def num_values(self) -> int:
        """Numbers in one sample."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Bytes of one sample's stored fields."""
        return sum(row.num_bytes for row in self.row_types.values())

    @property
    def row_types(self) -> dict[str, RowType]:
        """The columns that a shard holds, sorted by name; derived noise is not written."""
        integer = RowType(np.dtype("<i8"), ())
        columns = {"index": integer, "x_0": RowType(_little(self.x_0_dtype), self.shape)}
        if self.label is not None:
            columns["label"] = integer
        if self.noise.kind == "stored":
            columns["x_T"] = RowType(_little(self.x_T_dtype), self.shape)
        if self.num_states:
            shape = (self.num_states, *self.shape)
            columns["states"] = RowType(_little(self.states_dtype), shape)
        return dict(sorted(columns.items()))

    @property
    def stored_fields(self) -> tuple[str, ...]:
        """The names of the columns that a shard holds, sorted."""
        return tuple(self.row_types)


@dataclass(frozen=True)
class PairBatch:
    """n pairs: index int64 [n], x_T and x_0 [n, *shape], label int64 [n] or None.

    `states` [n, K, *shape] or None are K points of each trajectory in order from noise to data, its
    two ends left out. x_T is float32, or as stored.
    """

    index: NDArray[np.int64]  # int64 [n]
    x_T: NDArray[Any]  # noise [n, *shape]
    x_0: NDArray[Any]  # samples [n, *shape], as they are stored
    label: NDArray[np.int64] | None = None  # classes, int64 [n]
    states: NDArray[Any] | None = None  # [n, K, *shape]

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: NDArray[Any] | slice) -> "PairBatch":
        """The rows chosen by a mask or by positions; a slice copies nothing."""
        label = None if self.label is None else self.label[rows]
        states = None if self.states is None else self.states[rows]
        return PairBatch(self.index[rows], self.x_T[rows], self.x_0[rows], label, states)

    def columns(self, schema: PairSchema) -> Columns:
        """The columns that a shard of this schema stores."""
        return {name: np.asarray(getattr(self, name)) for name in schema.stored_fields}


@dataclass(frozen=True)
class LoadedPairs:
    """Verified pairs in memory: rows by index, and each index's row (−1 if it has none)."""

    pairs: PairBatch  # those that were kept
    row_of_index: NDArray[np.int64]  # int64 [count]; −1 for an index without a row

    @property
    def count(self) -> int:
        """Requested indices, not kept samples."""
        return len(self.row_of_index)


def concatenate(batches: list[PairBatch]) -> PairBatch:
    """Batches of one schema, one after the other."""
    labels = [batch.label for batch in batches if batch.label is not None]
    states = [batch.states for batch in batches if batch.states is not None]
    return PairBatch(
        index=np.concatenate([batch.index for batch in batches]),
        x_T=np.concatenate([batch.x_T for batch in batches]),
        x_0=np.concatenate([batch.x_0 for batch in batches]),
        label=np.concatenate(labels) if labels else None,
        states=np.concatenate(states) if states else None,
    )


def require_schema(batch: PairBatch, schema: PairSchema) -> None:
    """Raise `InvalidPairsError` when a batch has a wrong shape or type at all."""
    derived = {"x_T": RowType(np.dtype("<f4"), schema.shape)}
    for name, (dtype, shape) in {**derived, **schema.row_types}.items():
        array = getattr(batch, name)
        if array is None or array.shape != (len(batch), *shape) or array.dtype != dtype:
            found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
            expected = [len(batch), *shape]
            raise InvalidPairsError(f"{name} is {found}; the schema wants {dtype} {expected}")


def require_labels(rule: LabelRule | None, columns: Columns, where: str) -> None:
    """Raise a `DamageError` if labels are of other classes than the schema has."""
    label = columns.get("label", np.empty(0, np.int64))
    if rule and len(label) and not 0 <= label.min() <= label.max() < rule.num_classes:
        raise DamageError(
            f"{where} holds labels from {label.min()} to {label.max()}, but its schema has classes "
            f"0 to {rule.num_classes - 1}; make the set again with the right num_classes"
        )


def as_stored(x_0: NDArray[Any], schema: PairSchema) -> NDArray[Any]:
    """x_0 rounded to the schema's type; `InvalidPairsError` if that hides a NaN or overflow."""
    if x_0.dtype == schema.x_0_dtype:
        return x_0
    with np.errstate(over="ignore"):
        exact = np.asarray(x_0, np.float32)
    limit = _FLOAT16_OVERFLOW if schema.x_0_dtype == "float16" else np.inf
    # Written so that NaN, which compares false, is refused too.
    if len(exact) and not (exact.min() > -limit and exact.max() < limit):
        raise InvalidPairsError(
            f"x_0 holds values that {schema.x_0_dtype} cannot (NaN, infinite or too large); "
            "look for them with invalid_rows before rounding"
        )
    return to_bytes(exact, schema.rounding) if schema.x_0_dtype == "uint8" else exact.astype("<f2")


def as_numbers(x_0: NDArray[Any]) -> NDArray[Any]:
    """x_0 on the scale that it was made on: bytes become -1 … 1, other types stay as they are."""
    if x_0.dtype != np.uint8:
        return x_0
    return x_0.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_bytes(x_0: NDArray[np.float32], rounding: Rounding) -> NDArray[np.uint8]:
    """-1 … 1 as bytes by one of the two rules; the rest is clipped."""
    if rounding == "none":
        raise ValueError("x_0_dtype is uint8 and rounding 'none'; choose 'half-even' or 'floor'")
    with np.errstate(over="ignore"):
        scaled = x_0 * np.float32(127.5)
    if rounding == "floor":
        np.floor(scaled + np.float32(128), out=scaled)
    else:
        np.rint(scaled + np.float32(127.5), out=scaled)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def invalid_rows(batch: PairBatch, schema: PairSchema) -> dict[str, NDArray[np.bool_]]:
    """Rows that must never reach disk, by one of INVALID_REASONS (a row has one reason).

    Judges floats before they are rounded: one that its stored type makes Inf counts as Inf.
    """
    low, high = _extremes(batch.x_0)
    is_nan, is_inf = np.isnan(low), _overflows(low, high, schema.x_0_dtype)
    for array, dtype in _other_floats(batch, schema):
        lowest, highest = _extremes(array)
        is_nan |= np.isnan(lowest)
        is_inf |= _overflows(lowest, highest, dtype)
    reasons = {"nan": is_nan, "inf": is_inf & ~is_nan}
    if schema.value_range is not None:
        outside = (low < schema.value_range[0]) | (high > schema.value_range[1])
        reasons["range"] = outside & ~is_nan & ~is_inf
    return {reason: rows for reason, rows in reasons.items() if rows.any()}


def _extremes(array: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each row's lowest and highest value, NaN if it holds one."""
    # numpy compares float16 by converting each number; at once that is five times faster.
    wide = array.astype(np.float32) if array.dtype == np.float16 else array
    flat = wide.reshape(len(wide), math.prod(wide.shape[1:]))
    return flat.min(axis=1).astype(np.float64), flat.max(axis=1).astype(np.float64)


def _overflows(
    low: NDArray[np.float64], high: NDArray[np.float64], dtype: str
) -> NDArray[np.bool_]:
    limit = _FLOAT16_OVERFLOW if dtype == "float16" else np.inf
    return np.asarray(np.maximum(-low, high) >= limit)


def _other_floats(batch: PairBatch, schema: PairSchema) -> list[tuple[NDArray[Any], str]]:
    """Columns beside x_0 that are stored and could hold NaN, each with its stored type."""
    stored_as = {"states": schema.states_dtype, "x_T": schema.x_T_dtype}
    names = (name for name in stored_as if name in schema.stored_fields)
    return [(getattr(batch, name), stored_as[name]) for name in names]


def content_digest(columns: Mapping[str, NDArray[Any]]) -> str:
    """sha256 over each field's name, type, shape and little-endian C bytes, rows by index.

    Equal in every layout (docs/store.md, 'Files, field by field').
    """
    index = columns["index"]
    is_sorted = bool((index[1:] >= index[:-1]).all())
    rows = slice(None) if is_sorted else np.argsort(index, kind="stable")
    total = hashlib.sha256()
    for name in sorted(columns):
        array = np.ascontiguousarray(columns[name][rows])
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        total.update(canonical_json([name, little.dtype.str, list(little.shape)]))
        total.update(little.data)
    return total.hexdigest()


def _little(dtype: str) -> np.dtype[Any]:
    return np.dtype(dtype).newbyteorder("<")
