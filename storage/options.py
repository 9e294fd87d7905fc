"""Frozen configuration that refuses unknown keys by naming the nearest right one."""

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from storage.did_you_mean import nearest

_NO_OPTIONS = "give options by name, as in {name: value}"
_WORDS = {  # in place of pydantic's, by kind
    "model_type": _NO_OPTIONS,
    "dict_type": _NO_OPTIONS,
    "union_tag_not_found": "say which kind it is, as in {kind: …}",
}
_STRICT = ("int", "float", "bool", "str")
ModelT = TypeVar("ModelT", bound=BaseModel)
# A fault repeats the value, whose author could have written a gigabyte.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlist = _SHORT.maxtuple = 20


def _make_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in _STRICT:
            schema["strict"] = True
        schema = list(schema.values())
    if isinstance(schema, list | tuple):
        for each in schema:
            _make_strict(each)


class Options(BaseModel):
    """A frozen set of named options; only its fields define defaults.

    A field takes its own kind of value: no text, no true and no 2.0 is a count, no 1 is a yes. A whole
    number is accepted for a fraction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Pydantic's own, with strict numbers and booleans only: a tuple may come as a list."""
        schema = handler(source)
        _make_strict(schema)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                _refuse_unknown(str(key), cls.model_fields)
        return data


class LastingOptions(Options):
    """Options that a digest covers: a field added later is left out while it has its neutral value.

    So names and digests made before the field existed stay the same.
    """

    added_later: ClassVar[Mapping[str, Any]] = {}  # fields by their neutral value

    @model_serializer(mode="wrap")
    def _leave_out_neutral(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        neutral = self.added_later
        return {
            name: value
            for name, value in dumped.items()
            if name not in neutral or value != neutral[name]
        }


def _refuse_unknown(key: str, known: Mapping[str, Any]) -> None:
    """Raise a ValueError that names the nearest of `known` when `key` is not among them."""
    if key in known:
        return
    raise ValueError(f"unknown key '{key[:80]}'; {nearest(key, list(known))}")


def parse(model: type[ModelT], data: Any, where: str) -> ModelT:
    """`data` as `model`; a ValueError for the user, one line per fault, if it doesn't fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [_sentence(fault, data) for fault in _deepest(error.errors())]
        raise ValueError(f"{where}: " + "; ".join(faults)) from error


def _deepest(faults: list[Any]) -> list[Any]:
    """Without faults that only follow from a fault below them (a list short of its bad item)."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault, place in zip(faults, places, strict=True)
        if not any(len(other) > len(place) and other[: len(place)] == place for other in places)
    ]


def _sentence(fault: Any, data: Any) -> str:
    place = ".".join(_as_typed(fault["loc"], data))
    message = _WORDS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))
    value = "" if isinstance(fault["input"], Mapping) else f" (got {_SHORT.repr(fault['input'])})"
    return f"{place}: {message}{value}" if place else f"{message}{value}"


def _as_typed(place: tuple[int | str, ...], data: Any) -> Iterator[str]:
    """A place in `data` as its author would write it: without the names of a union's kinds."""
    for number, part in enumerate(place, start=1):
        known = dict(enumerate(data)) if isinstance(data, list | tuple) else data
        known = known if isinstance(known, Mapping) else {}
        # A key of options or an item of a list may be missing, and such a one is the last part.
        is_place = isinstance(data, Mapping) or isinstance(part, int)
        may_lack_it = is_place and number == len(place)
        if part not in known and not (may_lack_it and part != known.get("kind")):
            continue
        yield str(part)
        data = known.get(part)
