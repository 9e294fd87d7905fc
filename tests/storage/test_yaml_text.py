"""YAML as version 1.2 reads it, and as it is written for readers of either version."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.yaml_text import read_yaml, yaml_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0400", 400),
        ("0o17", 15),
        ("0x1F", 31),
        ("+5", 5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-.INF", -math.inf),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2020-01-01", "2020-01-01"),
        ("2020-13-45", "2020-13-45"),
        ("no", "no"),
        ("On", "On"),
        ("TRUE", True),
        ("~", None),
        ("<<", "<<"),
        ("{a: &x {b: 1}, c: {<<: *x, b: 2}}", {"a": {"b": 1}, "c": {"b": 2}}),
    ],
)
def test_a_plain_word_is_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = read_yaml(text, "it")
    assert (type(found), found) == (type(value), value)


def _repeated(nine: str) -> str:
    """Ten lines that stand for 9^9 values: each repeats the one before it nine times."""
    lines = (f"a{n}: &a{n} " + nine.format(", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 10))
    return "\n".join(["a0: &a0 {k: 1}", *lines])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "a: 1\nb: 2\n'a': 3",
            "the key 'a' appears twice, in line 1 and in line 3; keep one of them",
        ),
        ("x:\n- {1: a, 0x1: b}", "the key '1' appears twice, in line 2 and in line 2"),
        ("a: [1\nb: 2", r"line 2, column 2 \('b: 2'\) doesn't fit what comes"),
        ("a: 1\n---\nb: 2", "line 2 begins a second document"),
        ("a: *b", "line 1 names an anchor that isn't defined before it"),
        ("a: !!timestamp 2020-01-01", "line 1 has the tag tag:yaml.org,2002:timestamp"),
        ("a: !!int 1:30", "line 1: '1:30' is not a whole number"),
        ("a: 1\nb: \x00", "line 2 has the character U\\+0000"),
        ("[" * 5000, "nested too deep"),
        (b"a: 1\nb: \xe9", "is not UTF-8: line 2 has the byte 0xe9; save it as UTF-8"),
        ("9" * 5000, "a number of 5,000 digits"),
        (_repeated("[{0}]"), "holds more than 100,000 values"),
        (_repeated("{{<<: [{0}]}}"), "holds more than 100,000 values"),
    ],
)
def test_what_is_not_taken_is_told_with_its_line(text: str | bytes, says: str) -> None:
    with pytest.raises(ValueError, match=f"^it.*{says}") as refusal:
        read_yaml(text, "it")
    assert "\n" not in str(refusal.value)


_words = st.sampled_from(["0400", "1:30", "1e-3", "089", "yes", "2020-01-01", "0o17", "~", "", "é"])
_plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _words


@settings(deadline=None)  # a busy machine is no fault
@given(st.dictionaries(_words, _plain | st.lists(_plain)))
def test_what_is_written_reads_back_by_either_version(value: dict[str, Any]) -> None:
    assert read_yaml(yaml_text(value), "it") == value
    assert yaml.safe_load(yaml_text(value)) == value
