"""Tiny shards of every kind that a schema allows, made from their indices alone."""

from collections.abc import Iterable

import numpy as np

from storage.formats.column import gather
from storage.formats.layout import parse_layout
from storage.formats.pair_format import PairFormat
from storage.formats.shard_file import EncodedShard
from storage.plugins import plugin_names
from storage.records import Columns, LabelRule, NoiseRule, PairSchema

FORMATS = plugin_names("storage.formats")
STORED = NoiseRule(kind="stored")
SCHEMAS = {
    "float32 vectors": PairSchema(shape=(2,)),
    "float16 with labels": PairSchema(
        shape=(3, 2, 2), x_0_dtype="float16", label=LabelRule(num_classes=10)
    ),
    "bytes": PairSchema(shape=(3, 4, 5), x_0_dtype="uint8", rounding="floor"),
    "stored noise": PairSchema(shape=(1, 2, 3), noise=STORED),
    "stored half noise": PairSchema(
        shape=(5,), x_0_dtype="uint8", noise=STORED, x_T_dtype="float16"
    ),
    "states": PairSchema(shape=(2, 3), num_states=3),
    "all that there is": PairSchema(
        shape=(3, 2, 2),
        x_0_dtype="float16",
        noise=STORED,
        label=LabelRule(num_classes=4),
        num_states=3,
        states_dtype="float16",
    ),
}
EVERYTHING = SCHEMAS["all that there is"]


def format_of(kind: str) -> PairFormat:
    return parse_layout(f"{kind}-1").format


def made_columns(schema: PairSchema, index: Iterable[int], *, seed: int = 0) -> Columns:
    """Columns in which every row differs; equal calls give equal ones."""
    rows = np.array(list(index), np.int64)
    draws = np.random.default_rng(seed)
    columns: Columns = {"index": rows}
    for name, (dtype, shape) in schema.row_types.items():
        if name != "index":
            values = draws.integers(0, 256, (len(rows), *shape))
            columns[name] = values.astype(dtype)
    return columns


def made_shard(
    kind: str, schema: PairSchema = EVERYTHING, *, shard: int = 2, shard_size: int = 8
) -> EncodedShard:
    """Shard `shard` without its second index."""
    first = shard * shard_size
    index = [i for i in range(first, first + shard_size) if i != first + 1]
    return format_of(kind).encode(shard, made_columns(schema, index), schema, shard_size)


def decoded(
    kind: str, shard: int, encoded: EncodedShard, schema: PairSchema, shard_size: int
) -> Columns:
    """All columns out of a shard's bytes."""
    located = format_of(kind).locate(shard, encoded.parts, schema, shard_size)
    return {name: gather(each, encoded.parts[each.part]) for name, each in located.items()}


def are_equal(left: Columns, right: Columns) -> bool:
    return sorted(left) == sorted(right) and all(
        left[name].dtype == right[name].dtype and np.array_equal(left[name], right[name])
        for name in left
    )
