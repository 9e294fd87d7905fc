"""A schema says one thing in one way, rounding hides nothing, and no invalid row goes unseen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from made_shards import EVERYTHING, SCHEMAS, made_columns

from storage.digest import digest_of
from storage.errors import InvalidPairsError
from storage.options import parse
from storage.records import (
    NoiseRule,
    PairBatch,
    PairSchema,
    as_stored,
    concatenate,
    content_digest,
    invalid_rows,
    require_schema,
)

BYTES = {
    rule: PairSchema(shape=(4,), x_0_dtype="uint8", rounding=rule)
    for rule in ("half-even", "floor")
}


def batch_of(columns: dict[str, np.ndarray]) -> PairBatch:
    unused = np.zeros((len(columns["index"]), 1), np.float32)
    return PairBatch(**{"x_T": unused, **columns})


def test_fields_that_came_later_change_no_name_while_they_are_neutral() -> None:
    # The digest that the schema of this name had before there were such fields.
    old = "b1eff960"
    schema = PairSchema(shape=(2,), noise=NoiseRule(seed=5))
    assert digest_of(schema.model_dump(mode="json")).startswith(old)
    assert not {"x_T_dtype", "states_dtype"} & set(schema.model_dump())


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_a_schema_comes_back_from_what_is_written_of_it(schema: PairSchema) -> None:
    assert PairSchema.model_validate(schema.model_dump(mode="json")) == schema


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": ()},
        {"shape": (0,)},
        {"shape": (-3, 2)},
        {"shape": (10**9,)},
        {"shape": (10**9,) * 8},
        {"shape": (1,) * 9},
        {"shape": (2,), "num_states": 65},
        {"shape": (2,), "x_T_dtype": "float16"},
        {"shape": (2,), "states_dtype": "float16"},
        {"shape": (2,), "rounding": "floor"},
        {"shape": (2,), "value_range": (1, 0)},
    ],
)
def test_a_schema_that_says_too_much_or_nothing_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"schema: .*(shape|x_T|states|rounding|value_range)"):
        parse(PairSchema, fields, "schema")


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_a_batch_is_as_its_schema_says_or_refused(schema: PairSchema) -> None:
    columns = made_columns(schema, range(3))
    derived = {"x_T": np.zeros((3, *schema.shape), np.float32)}
    require_schema(PairBatch(**{**derived, **columns}), schema)
    for name in columns:
        wrong = {**derived, **columns, name: columns[name].astype(np.complex64)}
        with pytest.raises(InvalidPairsError, match=f"{name} is complex64"):
            require_schema(PairBatch(**wrong), schema)


def test_states_go_with_their_rows() -> None:
    pairs = PairBatch(**made_columns(EVERYTHING, range(6)))
    halves = [pairs.take(np.arange(3)), pairs.take(np.arange(3, 6))]
    assert np.array_equal(concatenate(halves).states, pairs.states)
    assert concatenate(halves).columns(EVERYTHING).keys() == set(EVERYTHING.stored_fields)


@settings(deadline=None)  # a busy machine is no fault
@given(st_numpy.arrays(np.float32, (5, 4), elements=st.floats(-3, 3, width=32)))
def test_bytes_are_rounded_as_their_rule_says(x_0: np.ndarray) -> None:
    nearest = np.clip(np.rint(np.float32(127.5) * x_0 + np.float32(127.5)), 0, 255)
    # EDM's generate.py: (images * 127.5 + 128).clip(0, 255).to(torch.uint8)
    edm = (x_0 * np.float32(127.5) + np.float32(128)).clip(0, 255).astype(np.uint8)
    assert np.array_equal(as_stored(x_0, BYTES["half-even"]), nearest.astype(np.uint8))
    assert np.array_equal(as_stored(x_0, BYTES["floor"]), edm)


@pytest.mark.parametrize("rule", sorted(BYTES))
def test_every_byte_comes_back_from_the_number_that_it_stands_for(rule: str) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(64, 4)
    x_0 = values.astype(np.float32) / np.float32(127.5) - np.float32(1)
    assert np.array_equal(as_stored(x_0, BYTES[rule]), values)
    assert as_stored(values, BYTES[rule]) is values


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_rounding_hides_no_invalid_value(value: float, dtype: str) -> None:
    schema = PairSchema(shape=(4,), x_0_dtype=dtype, rounding="half-even")
    x_0 = np.zeros((3, 4))
    x_0[1, 2] = value
    with pytest.raises(InvalidPairsError, match=f"values that {dtype} cannot"):
        as_stored(x_0, schema)


def test_float16_takes_what_rounds_to_its_largest_and_nothing_beyond() -> None:
    schema = PairSchema(shape=(1,), x_0_dtype="float16", rounding="half-even")
    largest = np.array([[np.nextafter(np.float32(65_520), np.float32(0))]])
    assert as_stored(largest, schema).tolist() == [[65_504]]
    with pytest.raises(InvalidPairsError):
        as_stored(np.array([[65_520]], np.float32), schema)


NUMBERS = st.sampled_from([0.0, 0.1, -0.1, 0.25, 1.0, 2.0, np.nan, np.inf, -np.inf, 200.0])


@settings(deadline=None)  # a busy machine is no fault
@given(
    st_numpy.arrays(np.float64, (6, 3), elements=NUMBERS),
    st.sampled_from(["uint8", "float16", "float32"]),
    st.sampled_from([None, (-0.1, 0.1), (0.25, 200.0), (-1e9, 1e9)]),
)
def test_invalid_rows_are_those_of_the_definition_in_float64(
    x_0: np.ndarray, dtype: str, value_range: tuple[float, float] | None
) -> None:
    with np.errstate(invalid="ignore"):
        x_0 = x_0.astype(dtype)
    schema = PairSchema(shape=(3,), x_0_dtype=dtype, rounding="half-even", value_range=value_range)
    found = invalid_rows(batch_of({"index": np.arange(6), "x_0": x_0}), schema)
    exact = x_0.astype(np.float64)
    is_nan, is_inf = np.isnan(exact).any(axis=1), np.isinf(exact).any(axis=1)
    expected = {"nan": is_nan, "inf": is_inf & ~is_nan}
    if value_range is not None:
        outside = ((exact < value_range[0]) | (exact > value_range[1])).any(axis=1)
        expected["range"] = outside & ~is_nan & ~is_inf
    assert {name: rows.tolist() for name, rows in found.items()} == {
        name: rows.tolist() for name, rows in expected.items() if rows.any()
    }


@pytest.mark.parametrize("field", ["x_0", "x_T", "states"])
def test_nothing_that_is_stored_may_hold_nan(field: str) -> None:
    columns = made_columns(EVERYTHING, range(4))
    columns[field][2].flat[1] = np.nan
    found = invalid_rows(PairBatch(**columns), EVERYTHING)
    assert found["nan"].tolist() == [False, False, True, False]
    assert set(found) == {"nan"}


def test_the_content_digest_knows_rows_by_index_and_not_by_place() -> None:
    columns = made_columns(EVERYTHING, range(9))
    shuffled = np.random.default_rng(0).permutation(9)
    assert content_digest({name: each[shuffled] for name, each in columns.items()}) == (
        content_digest(columns)
    )
    empty = {name: each[:0] for name, each in columns.items()}
    assert len({content_digest(empty), content_digest(columns)}) == 2
