"""The options -q and -v of every command, given to all of them in one place."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from flows.verbosity import set_verbosity

_OPTIONS: dict[str, Any] = {  # by the parameter's name
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors alone.")],
    "verbose": Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Also print what is read, found and decided; -vv: each file.",
        ),
    ],
}


def add_verbosity(app: typer.Typer) -> None:
    """Give -q and -v to the app, to its commands, and to those of its groups."""
    if app.registered_callback is not None and app.registered_callback.callback is not None:
        # It runs before any command of the same line, so that it begins with the usual verbosity.
        app.registered_callback.callback = _taking(app.registered_callback.callback, begins=True)
    _add_below(app)


def _add_below(app: typer.Typer) -> None:
    for command in app.registered_commands:
        assert command.callback is not None  # every command has a function
        command.callback = _taking(command.callback, begins=False)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        _add_below(group.typer_instance)


def _taking(function: Callable[..., Any], *, begins: bool) -> Callable[..., Any]:
    """The command's function with the two options; `begins`: without them the usual verbosity is set."""

    @wraps(function)
    def with_options(**given: Any) -> Any:
        is_quiet, num_verbose = given.pop("quiet"), given.pop("verbose")
        if is_quiet and num_verbose:
            raise ValueError("--quiet and --verbose are opposites; give one of them")
        if is_quiet or num_verbose or begins:
            set_verbosity(-1 if is_quiet else num_verbose)
        return function(**given)

    told = signature(function)
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=_OPTIONS[name])
        for name, default in (("quiet", False), ("verbose", 0))
    ]
    shown = told.replace(parameters=[*told.parameters.values(), *added])
    with_options.__signature__ = shown  # type: ignore[attr-defined]  # what typer reads
    return with_options
