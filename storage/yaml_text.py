"""YAML as its version 1.2 reads plain words (core schema), and no key that appears twice.

PyYAML reads YAML 1.1, where 0400 is 256, 1:30 is 90, `no` is false and 2020-01-01 is a date; and of
two equal keys it silently takes the last.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import ReaderError

from storage.redaction import redacted

_TAG = "tag:yaml.org,2002:"
# YAML 1.2.2, 10.3.2, and the characters that those words can begin with; '<<' is YAML 1.1's merge.
_WORDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}
_PATTERNS = {kind: re.compile(f"(?:{words})$") for kind, (words, _) in _WORDS.items()}
_A_KIND = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_NUM_DIGITS = 4300  # of a number at most, as Python reads them (sys.int_info)
_SHOWN = 60  # characters of a line that is quoted
_MAX_VALUES = 100_000  # of a document; aliases of aliases make 10^9 of ten lines
_KINDS = {type(None): "it is empty", list: "it is a list"}


def read_yaml(data: str | bytes, where: str) -> Any:
    """The value that a text says; a ValueError, which begins with `where`, for no such YAML."""
    text = data if isinstance(data, str) else _decoded(data, where)
    try:
        return _unshared(yaml.load(text, Loader=_Loader), count(1))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ValueError(
            f"{where}: line {line} has the character U+{int(error.character):04X}, which YAML does not "
            "allow; remove it"
        ) from error
    except _RefusedError as error:
        raise ValueError(f"{where}: {error}") from error
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"{where} is not readable YAML: {_place(error, text)}") from error
    except RecursionError as error:
        raise ValueError(f"{where} is not readable YAML: it is nested too deep") from error


def read_mapping(data: str | bytes, where: str) -> dict[str, Any]:
    """The document of a file that holds keys and values; a ValueError, as above, for anything else."""
    document = read_yaml(data, where)
    if isinstance(document, dict):
        return document
    found = _KINDS.get(type(document), "it is a single value")
    raise ValueError(f"{where} must be a mapping, with lines like 'name: mine'; {found}")


def yaml_text(value: Any, *, sort_keys: bool = False) -> str:
    """A value as YAML that reads back as the same value, by version 1.1 and by 1.2."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=True)


class _RefusedError(ValueError):
    """YAML that can be read and is refused."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: Any = {}

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> Any:
        self._refuse_twice(node)
        return super().construct_mapping(node, deep=deep)

    def flatten_mapping(self, node: MappingNode) -> None:
        super().flatten_mapping(node)
        _refuse_more(len(node.value))

    def refuse_tag(self, node: Node) -> Any:
        raise _RefusedError(
            f"line {_line(node)} has the tag {node.tag[:_SHOWN]}, which is not read here; leave it out"
        )

    def _refuse_twice(self, node: MappingNode) -> None:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, ScalarNode):
                raise _RefusedError(f"line {_line(key_node)} has a key that is not a single word")
            if key_node.tag == f"{_TAG}merge":
                continue
            key = self.construct_object(key_node)
            if key in lines:
                places = f"in line {lines[key]} and in line {_line(key_node)}"
                raise _RefusedError(
                    f"the key '{redacted(str(key))[:_SHOWN]}' appears twice, {places}; keep one of them"
                )
            lines[key] = _line(key_node)


class _Dumper(yaml.SafeDumper):
    """Quotes any text that either version would read as something else."""

    yaml_implicit_resolvers: Any = {
        first: list(words) for first, words in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _int(loader: _Loader, node: ScalarNode) -> int:
    word = _word(loader, node, "int")
    if len(word) > _NUM_DIGITS:
        raise _RefusedError(f"line {_line(node)} has a number of {len(word):,} digits")
    bases = {"0o": 8, "0x": 16}
    return int(word, bases.get(word[:2], 10))


def _float(loader: _Loader, node: ScalarNode) -> float:
    word = _word(loader, node, "float").lower()
    return float(word.replace(".inf", "inf").replace(".nan", "nan"))


def _bool(loader: _Loader, node: ScalarNode) -> bool:
    return _word(loader, node, "bool").lower() == "true"


def _word(loader: _Loader, node: ScalarNode, kind: str) -> str:
    """A scalar's text; with an explicit tag, as in `!!int no`, it need not be one of that kind."""
    word = str(loader.construct_scalar(node))
    if not _PATTERNS[kind].match(word):
        raise _RefusedError(
            f"line {_line(node)}: '{redacted(word)[:_SHOWN]}' is not {_A_KIND[kind]}"
        )
    return word


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{where} is not UTF-8: line {line} has the byte 0x{data[error.start]:02x}; save it as UTF-8"
        ) from error


def _place(error: yaml.MarkedYAMLError, text: str) -> str:
    mark, problem = error.problem_mark or error.context_mark, str(error.problem)
    lines = text.split("\n")
    if mark is None:
        return "look at its indentation, brackets and quotes"
    if "alias" in problem:
        return f"line {mark.line + 1} names an anchor that isn't defined before it"
    if "another document" in problem:
        return f"line {mark.line + 1} begins a second document; keep one"
    # Before it's cut, since half a secret isn't recognised.
    quoted = redacted(lines[mark.line].strip())[:_SHOWN] if mark.line < len(lines) else ""
    shown = f"'{quoted}'" if quoted else "its end"
    return (
        f"line {mark.line + 1}, column {mark.column + 1} ({shown}) doesn't fit what comes "
        "before it; look at indentation, brackets, colons and quotes there"
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _unshared(value: Any, numbers: Iterator[int]) -> Any:
    """Each alias as a separate value, so that an override changes one place; `numbers` counts them."""
    _refuse_more(next(numbers))
    if isinstance(value, Mapping):
        return {key: _unshared(each, numbers) for key, each in value.items()}
    if isinstance(value, list):
        return [_unshared(each, numbers) for each in value]
    return value


def _refuse_more(num_values: int) -> None:
    if num_values > _MAX_VALUES:
        raise _RefusedError(
            f"holds more than {_MAX_VALUES:,} values, counted where an alias (*name) repeats them; "
            "write fewer"
        )


for _kind, (_, _beginnings) in _WORDS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{_TAG}{_kind}", _PATTERNS[_kind], _beginnings)
_Loader.yaml_constructors = {
    f"{_TAG}{_kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{_kind}"]
    for _kind in ("null", "str", "seq", "map")
}
_Loader.yaml_constructors[f"{_TAG}merge"] = yaml.SafeLoader.construct_yaml_str  # as a value: text
_Loader.add_constructor(f"{_TAG}int", _int)
_Loader.add_constructor(f"{_TAG}float", _float)
_Loader.add_constructor(f"{_TAG}bool", _bool)
_Loader.add_constructor(None, _Loader.refuse_tag)
