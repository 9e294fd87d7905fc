"""Documents carry a digest over themselves; attempt ids and times stand outside it."""

import numpy as np
import pytest
from conftest import made_pairs

from storage.digest import canonical_json, seal, unseal
from storage.errors import DamageError
from storage.records import content_digest


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_json({"b": 1, "a": [1.5, "é"]}) == canonical_json({"a": [1.5, "é"], "b": 1})


def test_two_attempts_have_one_digest() -> None:
    first, second = seal({"a": 1, "attempt": "x"}), seal({"a": 1, "attempt": "y"})
    assert first != second
    assert unseal(first, "first")["digest"] == unseal(second, "second")["digest"]


@pytest.mark.parametrize("position", range(0, 90, 3))
def test_a_flipped_bit_in_a_document_is_found(position: int) -> None:
    data = bytearray(seal({"a": 1.25, "b": ["some", "text"], "c": {"d": None}}))
    data[position % len(data)] ^= 4
    with pytest.raises(DamageError, match=r"place/it\.json"):
        unseal(bytes(data), "place/it.json")


def test_the_content_digest_goes_by_index_not_by_position() -> None:
    pairs = made_pairs(np.arange(50))
    columns = {"index": pairs.index, "x_0": pairs.x_0}
    reversed_columns = {name: array[::-1] for name, array in columns.items()}
    assert content_digest(columns) == content_digest(reversed_columns)


def test_the_content_digest_sees_type_shape_name_and_values() -> None:
    pairs = made_pairs(np.arange(6))
    variants = [
        {"index": pairs.index, "x_0": pairs.x_0},
        {"index": pairs.index, "x_T": pairs.x_0},
        {"index": pairs.index, "x_0": pairs.x_0.astype(np.float64)},
        {"index": pairs.index, "x_0": pairs.x_0[:, :, None]},
        {"index": pairs.index, "x_0": np.nextafter(pairs.x_0, np.float32(9))},
    ]
    assert len({content_digest(columns) for columns in variants}) == len(variants)


def test_big_endian_numbers_have_the_digest_of_little_endian_ones() -> None:
    pairs = made_pairs(np.arange(6))
    columns = {"index": pairs.index, "x_0": pairs.x_0}
    assert content_digest(columns) == content_digest(
        {"index": pairs.index, "x_0": pairs.x_0.astype(">f4")}
    )
