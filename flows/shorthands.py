"""Options that stand for one override of a recipe: `--data PATH` is `--set dataset.source=PATH`."""

import json
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, NamedTuple

import typer


class _Shorthand(NamedTuple):
    path: str  # of the override
    metavar: str
    help: str


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
    _, metavar, text = _SHORTHANDS[name]
    option = typer.Option(f"--{name}", metavar=metavar, help=text, show_default=False)
    return Parameter(name, Parameter.KEYWORD_ONLY, default="", annotation=Annotated[str, option])


def _as_yaml(name: str, value: str) -> str:
    """Numbers as they are, all else as a string, whatever it looks like."""
    is_number = name in ("batch", "workers") and value.isdecimal()
    return value if is_number else json.dumps(value)
