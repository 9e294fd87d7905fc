"""Arguments of `import kdm` as a program hands them over, each checked before any work.

Every error is a ValueError of one sentence: the argument's name, its value, and what would be right.
"""

import os
import re
import reprlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from flows.device import DEVICES
from storage.did_you_mean import nearest

Named = str | os.PathLike[str]
MOST = 10**10  # indices of a set, steps of a training
_NAME = re.compile("[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")  # as a recipe names its parts
_BY_PLACE = "{'training.batch_size': 128}"
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def shown(value: object) -> str:
    """A value as an error repeats it: short, and on one line."""
    return " ".join(_SHORT.repr(value).split())


def text(what: str, value: object) -> str:
    """A text that isn't empty."""
    if isinstance(value, str) and _is_sound(value):
        return value
    raise ValueError(f"{what} is {shown(value)}; it must be a text, and not empty")


def place(what: str, value: object) -> str:
    """A name, a path or a URL as a text; a Path is made absolute, for it is one even if it is one word."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
        value = str(Path(value).absolute()) if isinstance(value, str) else value
    if isinstance(value, str) and _is_sound(value):
        return value
    raise ValueError(
        f"{what} is {shown(value)}; it must be a name, a path or a URL, as a text or a Path"
    )


def new_name(what: str, value: object) -> str:
    """What a set or a student is to be called, which its folder's name begins with."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ValueError(
        f"{what} is {shown(value)}; it must be a text of a-z, 0-9 and '-', at most 64, as in 'my-pairs'"
    )


def one_of(what: str, value: object, known: Collection[str]) -> str:
    """One of a few texts."""
    if isinstance(value, str) and value in known:
        return value
    raise ValueError(unknown(f"{what} is", value, known))


def unknown(what: str, value: object, known: Collection[str]) -> str:
    """A sentence about a value that isn't known: the nearest that is, or all of them."""
    near = nearest(value[:200] if isinstance(value, str) else "", list(known))
    return f"{what} {shown(value)}; {near}"


def stage_device(value: object) -> str:
    """Where stages compute."""
    return one_of("device", value, DEVICES)


def texts(what: str, value: object, meaning: str) -> tuple[str, ...]:
    """One text, or several of them; `meaning` says what they are."""
    several = (value,) if isinstance(value, str) else value
    if isinstance(several, list | tuple | set | frozenset):
        found = tuple(each for each in several if isinstance(each, str) and _is_sound(each))
        if len(found) == len(several):
            return found
    raise ValueError(f"{what} is {shown(value)}; it must be a list of {meaning}, as texts")


def whole(what: str, value: object, least: int, most: int, those: str = "") -> int:
    """A whole number within bounds; `those` says where the larger one is from."""
    if type(value) is int and least <= value <= most:
        return value
    raise ValueError(
        f"{what} is {shown(value)}; it must be a whole number from {least} to {most:,}{those}"
    )


def sizes(what: str, value: object) -> tuple[int, ...]:
    """The shape of one sample."""
    several = value if isinstance(value, tuple | list) else ()
    if several and all(type(each) is int and 1 <= each <= MOST for each in several):
        return tuple(several)
    raise ValueError(
        f"{what} is {shown(value)}; it must be the shape of one sample, as in (1, 8, 8) or (2,)"
    )


def options(what: str, value: object, example: str) -> Mapping[str, Any]:
    """Values by their names."""
    if isinstance(value, Mapping) and all(isinstance(key, str) and key for key in value):
        return value
    raise ValueError(f"{what} is {shown(value)}; write values by their names, as in {example}")


def checked_settings(settings: Mapping[str, Any] | None, where: str) -> Mapping[str, Any]:
    """Settings by place, none for None; a ValueError for anything else."""
    return {} if settings is None else options(f"{where}: settings", settings, _BY_PLACE)


def laid_over(document: dict[str, Any], settings: Mapping[str, Any] | None, where: str) -> None:
    """Put each value at its place, written a.b.c, into a document of mappings."""
    for path, value in checked_settings(settings, where).items():
        *parents, last = path.split(".")
        below: Any = document
        for key in parents:
            below = below.setdefault(key, {}) if isinstance(below, dict) else None
        if not isinstance(below, dict):
            raise ValueError(f"{where}: '{path}' is below a plain value; set that as a whole")
        below[last] = value


def _is_sound(value: str) -> bool:
    return bool(value) and "\0" not in value
