"""Pairs in memory: named arrays, and the schema that says what they must be."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from storage.digest import canonical_json
from storage.errors import InvalidPairsError
from storage.options import Options

Columns = dict[str, NDArray[Any]]
# Why a pair may not be written; a filter's reasons are others.
INVALID_REASONS = ("nan", "inf", "range")


class NoiseRule(Options):
    """Where x_T comes from (STORE.md, 'A sample')."""

    kind: Literal["philox-v1", "stored"] = "philox-v1"
    seed: int = Field(0, ge=0, le=2**64 - 1)  # part of the Philox key; unused where stored
    scale: float = Field(1.0, gt=0)  # standard deviation of x_T: 1 for flow matching, 80 for EDM


class LabelRule(Options):
    """Where a sample's class comes from."""

    rule: Literal["cycle", "uniform", "stored"] = "cycle"
    num_classes: int = Field(ge=1)


class PairSchema(Options):
    """What one pair is. Time convention: 0 is data, T is noise."""

    shape: tuple[int, ...]  # of one sample: (d,) or (C, H, W)
    x_0_dtype: Literal["uint8", "float16", "float32"] = "float32"
    rounding: Literal["none", "half-even"] = "none"  # how x_0 became x_0_dtype
    value_range: tuple[float, float] | None = None  # of a valid x_0, ends included
    noise: NoiseRule = NoiseRule()
    label: LabelRule | None = None
    num_states: Literal[0] = 0  # states between noise and data

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.shape or min(self.shape) < 1:
            raise ValueError(f"shape is {self.shape}; every side must be at least 1")
        if self.value_range and self.value_range[0] >= self.value_range[1]:
            raise ValueError(f"value_range is {self.value_range}; the lower end comes first")
        return self

    @property
    def num_values(self) -> int:
        """Numbers in one sample."""
        return int(np.prod(self.shape))

    @property
    def num_bytes(self) -> int:
        """Bytes of one sample's stored fields."""
        sizes = {
            "x_0": self.num_values * np.dtype(self.x_0_dtype).itemsize,
            "x_T": self.num_values * 4,
        }
        return sum(sizes.get(name, 8) for name in self.stored_fields)

    @property
    def stored_fields(self) -> tuple[str, ...]:
        """The columns that a shard holds, sorted; derived noise is not written."""
        fields = {"index", "x_0"}
        if self.label is not None:
            fields.add("label")
        if self.noise.kind == "stored":
            fields.add("x_T")
        return tuple(sorted(fields))


@dataclass(frozen=True)
class PairBatch:
    """n pairs: index int64 [n], x_T float32 [n, *shape], x_0 [n, *shape], label int64 [n] or None."""

    index: NDArray[np.int64]
    x_T: NDArray[np.float32]
    x_0: NDArray[Any]
    label: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: NDArray[Any]) -> "PairBatch":
        """The rows chosen by a mask or by positions."""
        label = None if self.label is None else self.label[rows]
        return PairBatch(self.index[rows], self.x_T[rows], self.x_0[rows], label)

    def columns(self, schema: PairSchema) -> Columns:
        """The columns that a shard of this schema stores."""
        return {name: np.asarray(getattr(self, name)) for name in schema.stored_fields}


def concatenate(batches: list[PairBatch]) -> PairBatch:
    """Batches of one schema, one after the other."""
    labels = [batch.label for batch in batches if batch.label is not None]
    return PairBatch(
        index=np.concatenate([batch.index for batch in batches]),
        x_T=np.concatenate([batch.x_T for batch in batches]),
        x_0=np.concatenate([batch.x_0 for batch in batches]),
        label=np.concatenate(labels) if labels else None,
    )


def require_schema(batch: PairBatch, schema: PairSchema) -> None:
    """Raise `InvalidPairsError` when a batch has a wrong shape or type at all."""
    wanted: dict[str, tuple[tuple[int, ...], str]] = {
        "index": ((), "int64"),
        "x_T": (schema.shape, "float32"),
        "x_0": (schema.shape, schema.x_0_dtype),
    }
    if schema.label is not None:
        wanted["label"] = ((), "int64")
    for name, (shape, dtype) in wanted.items():
        array = getattr(batch, name)
        if array is None or array.shape != (len(batch), *shape) or str(array.dtype) != dtype:
            found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
            expected = [len(batch), *shape]
            raise InvalidPairsError(f"{name} is {found}; the schema wants {dtype} {expected}")


def invalid_rows(batch: PairBatch, schema: PairSchema) -> dict[str, NDArray[np.bool_]]:
    """Rows that must never reach disk, by one of INVALID_REASONS (a row has one reason)."""
    flat = np.asarray(batch.x_0, np.float64).reshape(len(batch), -1)
    is_nan = np.asarray(np.isnan(flat).any(axis=1))
    is_inf = np.asarray(np.isinf(flat).any(axis=1) & ~is_nan)
    reasons: dict[str, NDArray[np.bool_]] = {"nan": is_nan, "inf": is_inf}
    if schema.value_range is not None:
        low, high = schema.value_range
        outside = np.any((flat < low) | (flat > high), axis=1)
        reasons["range"] = np.asarray(outside & ~is_nan & ~is_inf)
    return {reason: rows for reason, rows in reasons.items() if rows.any()}


def content_digest(columns: Mapping[str, NDArray[Any]]) -> str:
    """sha256 over each field's name, type, shape and little-endian C bytes, rows by index.

    Equal in every layout (STORE.md, 'Names and digests').
    """
    rows = np.argsort(columns["index"], kind="stable")
    total = hashlib.sha256()
    for name in sorted(columns):
        array = np.ascontiguousarray(columns[name][rows])
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        total.update(canonical_json([name, little.dtype.str, list(little.shape)]))
        total.update(little.tobytes())
    return total.hexdigest()
