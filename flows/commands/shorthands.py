"""Options that stand for one override of a recipe: `--data PATH` is `--set dataset.source=PATH`."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, NamedTuple

import typer

NO_MASK = "none"


class _Shorthand(NamedTuple):
    path: str  # of the override
    metavar: str
    help: str
    may_repeat: bool = False


_SHORTHANDS = {
    "teacher": _Shorthand(
        "teacher.stored",
        "NAME",
        "A stored teacher in place of the recipe's: its name, its folder at any home, or a "
        "checkpoint's file.",
    ),
    "pairs": _Shorthand(
        "pairs.stored",
        "NAME",
        "Pairs that are there already, in place of the recipe's and of any teacher: their name, or their "
        "folder at any home.",
    ),
    "data": _Shorthand("dataset.source", "PATH", "The real data: its file or folder."),
    "layout": _Shorthand("pairs.layout", "FORMAT-SIZE", "As in wds-4096 or zarr-4096."),
    "precision": _Shorthand("pairs.precision", "TYPE", "float32, tf32, bfloat16 or float16."),
    "batch": _Shorthand("pairs.sampling_batch", "N", "Samples at once, or 'auto'."),
    "mask": _Shorthand(
        "privacy.masks",
        "DECISION",
        "Where the recipe has no filters and the pairs were judged: the decision to read them by, or "
        "'none'; may be repeated.",
        may_repeat=True,
    ),
    "workers": _Shorthand("pairs.num_workers", "N", "Shards in the making at once; 0: as fits."),
}


def with_shorthands(command: Callable[..., None]) -> Callable[..., None]:
    """A command with these options besides its own; what they say joins its `overrides`, last."""

    @wraps(command)
    def extended(**given: Any) -> None:
        said = {name: given.pop(name) for name in _SHORTHANDS}
        more = [
            f"{_SHORTHANDS[name].path}={_as_yaml(name, value)}"
            for name, value in said.items()
            if value
        ]
        command(**{**given, "overrides": [*(given["overrides"] or ()), *more]})

    own = signature(command).parameters.values()
    together = signature(command).replace(parameters=[*own, *map(_parameter, _SHORTHANDS)])
    extended.__signature__ = together  # type: ignore[attr-defined]  # what typer reads
    return extended


def _parameter(name: str) -> Parameter:
    _, metavar, text, may_repeat = _SHORTHANDS[name]
    option = typer.Option(f"--{name}", metavar=metavar, help=text, show_default=False)
    kind: Any = list[str] | None if may_repeat else str
    default = None if may_repeat else ""
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def _as_yaml(name: str, value: str | list[str]) -> str:
    """Numbers as they are, all else as a string, whatever it looks like."""
    if isinstance(value, list):
        return json.dumps([] if asks_for_no_mask(value) else value)
    is_number = name in ("batch", "workers") and value.isascii() and value.isdecimal()
    return value if is_number else json.dumps(value)


def asks_for_no_mask(named: Sequence[str]) -> bool:
    """Whether --mask none was given; a ValueError where it stands beside a decision."""
    if NO_MASK in named and set(named) != {NO_MASK}:
        raise ValueError("--mask names a decision and none at once; give one of them")
    return NO_MASK in named
