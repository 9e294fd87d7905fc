"""Overrides as a hurried or hostile user might type them."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from flows.config.load import load_recipe


def paths(value: Any, place: str = "") -> Iterator[str]:
    """The dotted path of every key and item in a document."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        below = f"{place}.{key}".lstrip(".")
        yield below
        yield from paths(value[key], below)


KNOWN = sorted(paths(load_recipe("tiny").document()))
_WORDS = [
    "",
    "~",
    "true",
    "-1",
    "0",
    "1e400",
    ".nan",
    "-.inf",
    "1e-9",
    "99999999999999999999",
    "0x10",
]
_WORDS += ["2020-01-01", "[]", "{}", "[1, 2]", "{a: 1}", "{1: 2}", "{plugin: kdm}", "{plugin: [1]}"]
_WORDS += [
    "&a [*a]",
    "&a {b: *a}",
    "*a",
    "!!python/object:os.system",
    "!!binary aGk=",
    "? [1]\n: 2",
]
_WORDS += ["kdm", "near-copy", "wds-3", "stored", "uint8", "'\\0'", "\t", "\U0001f600", "[" * 3000]

_known = st.sampled_from(KNOWN)
_odd_keys = st.text(alphabet="abez019.-_[]{}:*&! \n\0é", max_size=12)
_paths = st.one_of(
    _known,
    st.builds("{}.{}".format, _known, _odd_keys),
    st.builds(lambda path, key: f"{path[:-1]}{key}", _known, _odd_keys),
    _odd_keys,
)
_numbers = st.one_of(st.integers(), st.floats()).map(str)
_values = st.one_of(st.sampled_from(_WORDS), st.text(max_size=20), _numbers)
_likely = st.builds("{}={}".format, _known, _values)
_unlikely = st.one_of(st.builds("{}={}".format, _paths, _values), st.text(max_size=10))
overrides = st.lists(st.one_of(_likely, _likely, _unlikely), min_size=1, max_size=2)


def complaint(typed: list[str]) -> str:
    """Nothing where the overrides give a recipe or a sentence for the user, else what they gave."""
    try:
        load_recipe("tiny", overrides=typed)
    except ValueError as error:
        # Not one of pydantic's or of a decoder's, which are no sentences.
        return "" if type(error) is ValueError and str(error) else repr(error)
    return ""
