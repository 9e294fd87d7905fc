"""What an option may be, and what it is by default, in words and in YAML."""

from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from storage.plugins import Configured, Plugin

_SIGNS = {
    annotated_types.Ge: ("ge", "≥"),
    annotated_types.Gt: ("gt", ">"),
    annotated_types.Le: ("le", "≤"),
    annotated_types.Lt: ("lt", "<"),
}
_PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
Link = Callable[[type[BaseModel]], str]  # the words for other options, as a link to them
GroupLink = Callable[[str], str]  # the same of a group of plugins


class Values:
    """Says what fields may be; it is given how to link to other options and to groups of plugins."""

    def __init__(self, link: Link, group_link: GroupLink) -> None:
        self._link, self._group_link = link, group_link

    def of(self, field: FieldInfo) -> str:
        """'whole number, ≥ 1', 'text or null'."""
        return self._words(field.annotation, tuple(field.metadata))

    def _words(self, kind: Any, said: tuple[Any, ...]) -> str:
        groups = [each.group for each in said if isinstance(each, Configured)]
        if groups:
            return self._group_link(groups[0])
        origin, inner = get_origin(kind), get_args(kind)
        if origin is Annotated:
            more = [each for word in inner[1:] for each in _metadata(word)]
            return self._words(inner[0], (*more, *said))
        if origin in (Union, UnionType):
            return " or ".join(dict.fromkeys(self._words(each, said) for each in inner))
        if origin is Literal:
            return ", ".join(f"`{each}`" for each in inner)
        if origin is tuple:
            return self._list(inner)
        if origin is dict or origin is Mapping or _is_mapping(origin):
            return "mapping"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self._link(kind)
        if kind is NoneType:
            return "null"
        if isinstance(kind, type) and issubclass(kind, tuple):
            return self._list(tuple(get_type_hints(kind).values()))
        return ", ".join([_PLAIN.get(kind, "any value"), *_bounds(said, kind)])

    def _list(self, inner: tuple[Any, ...]) -> str:
        if inner[-1] is Ellipsis:
            return f"list of: {self._words(inner[0], ())}"
        return f"list of {len(inner)}: " + "; ".join(self._words(each, ()) for each in inner)


def default_of(field: FieldInfo) -> str:
    """A field's default as YAML has it, or that there is none."""
    if field.is_required():
        return "required"
    return _yaml(field.get_default(call_default_factory=True))


def _yaml(value: Any) -> str:
    if isinstance(value, Plugin):
        return f"`{value.plugin}`"
    if isinstance(value, BaseModel):
        given = {name: each for name, each in value if name in value.model_fields_set}
        inner = ", ".join(f"{name}: {_yaml(each).strip('`')}" for name, each in given.items())
        return f"`{{{inner}}}`" if inner else "its own defaults"
    if isinstance(value, tuple | list):
        return f"`[{', '.join(_yaml(each).strip('`') for each in value)}]`"
    if isinstance(value, bool) or value is None:
        return {True: "`true`", False: "`false`", None: "`null`"}[value]
    return f"`{value!r}`" if isinstance(value, int | float) else f"`{value}`" if value else "`''`"


def _metadata(word: Any) -> list[Any]:
    return list(word.metadata) if isinstance(word, FieldInfo) else [word]


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _bounds(said: tuple[Any, ...], kind: Any) -> list[str]:
    """'≥ 1', '≤ 2¹⁶': of numbers only."""
    if kind not in (int, float):
        return []
    found = [(*_SIGNS[type(each)], each) for each in said if type(each) in _SIGNS]
    return [f"{sign} {_short(getattr(each, name))}" for name, sign, each in found]


def _short(number: Any) -> str:
    """A large power of 2 or 10 as one."""
    for base, least in ((2, 2**16), (10, 10**6)):
        for less in (0, 1):
            power = _power(number + less, base) if number >= least - 1 else None
            if power is not None:
                return f"{base}{str(power).translate(_RAISED)}" + (" − 1" if less else "")
    return f"{number:,}"


def _power(number: Any, base: int) -> int | None:
    power = 0
    while number % base == 0 and number > 1:
        number, power = number // base, power + 1
    return power if number == 1 else None
