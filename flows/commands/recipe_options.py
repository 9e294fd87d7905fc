"""The options of commands that take a recipe, defined once.

Some are shorthands for an override: `--data PATH` is `--set dataset.source=PATH`.
"""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, NamedTuple

import typer

from flows.commands.completions import offering
from flows.commands.option_types import MOST_SAMPLES, AsJson, Home, whole
from flows.request import STAGES

NO_MASK = "none"

Recipe = Annotated[
    str,
    typer.Argument(
        help="A recipe's name ('kdm show' lists them) or file; for filters also a stored set.",
        autocompletion=offering("recipes and sets"),
    ),
]

_COMMON = ("home", "count", "overrides")  # for every command that takes a recipe
_OPTIONS: dict[str, tuple[Any, Any]] = {  # type and default, by the name in a Request
    "home": (Home, ""),
    "count": (
        Annotated[
            int | None,
            typer.Option(
                "--count",
                parser=whole(1, MOST_SAMPLES),
                metavar="N",
                help="Number of training pairs to attempt, instead of the recipe's.",
            ),
        ],
        None,
    ),
    "overrides": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--set",
                metavar="A.B=VALUE",
                help="Change one value, such as --set pairs.sampler.num_steps=20; may be repeated.",
                autocompletion=offering("overrides"),
            ),
        ],
        None,
    ),
    "students": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--student",
                metavar="NAME",
                help="Only this student; may be repeated.",
                autocompletion=offering("students of the recipe"),
            ),
        ],
        None,
    ),
    "at_once": (
        Annotated[
            int | None,
            typer.Option(
                "--at-once",
                parser=whole(1, 1024),
                metavar="N",
                help="Students trained at once; by default as many as the cores allow, one on a GPU.",
            ),
        ],
        None,
    ),
    "device": (Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")], "auto"),
    "ranks": (
        Annotated[
            int | None,
            typer.Option(
                "--ranks",
                parser=whole(1, 1024),
                metavar="N",
                help="Processes that train together, one per GPU; by default one.",
            ),
        ],
        None,
    ),
    "on": (
        Annotated[
            str,
            typer.Option(
                "--on",
                metavar="ENGINE",
                help="Where pairs are generated: threads, processes, dask, or dask://HOST:PORT; by "
                "default as the recipe says.",
            ),
        ],
        "",
    ),
    "part": (
        Annotated[
            str,
            typer.Option(
                "--part",
                metavar="N/COUNT",
                help="This job's number in an array of jobs that generates one set, as in 3/8.",
            ),
        ],
        "",
    ),
    "nodes": (
        Annotated[
            int | None,
            typer.Option(
                "--nodes",
                parser=whole(1, 1024),
                metavar="N",
                help="Machines that train together; give the same command on each.",
            ),
        ],
        None,
    ),
    "rendezvous": (
        Annotated[
            str,
            typer.Option(
                "--rendezvous",
                metavar="HOST:PORT",
                help="One of these machines, where all of them meet.",
            ),
        ],
        "",
    ),
    "until": (
        Annotated[
            str,
            typer.Option(
                "--until",
                metavar="STAGE",
                help="The last stage to run.",
                autocompletion=offering("stages"),
            ),
        ],
        STAGES[-1],
    ),
    "as_json": (AsJson, False),
    "dry_run": (
        Annotated[
            bool,
            typer.Option(
                "--dry-run",
                help="Print what is there, what would be made, and what that takes; make nothing.",
            ),
        ],
        False,
    ),
    "direct": (
        Annotated[bool, typer.Option("--direct", help="Run the stages without Prefect.")],
        False,
    ),
}


class _Shorthand(NamedTuple):
    path: str  # of the override
    metavar: str
    help: str
    may_repeat: bool = False


_SHORTHANDS = {
    "teacher": _Shorthand(
        "teacher.stored",
        "NAME",
        "A stored teacher instead of the recipe's: its name, its folder in any home, or a "
        "checkpoint file.",
    ),
    "pairs": _Shorthand(
        "pairs.stored",
        "NAME",
        "Existing pairs instead of the recipe's; no teacher is needed: their name, or their folder in any "
        "home.",
    ),
    "data": _Shorthand("dataset.source", "PATH", "The real data: a file or a folder."),
    "reference": _Shorthand("dataset.source", "PATH", "The same as --data."),
    "policy": _Shorthand(
        "filters.policy",
        "NAME",
        "A list of filters instead of the recipe's, which share one false-positive rate: 'pictures', "
        "'pictures-turned', or your own file.",
    ),
    "fpr": _Shorthand("filters.fpr", "RATE", "That rate, as in --policy pictures --fpr 0.01."),
    "layout": _Shorthand(
        "pairs.layout", "FORMAT-SIZE", "Format and size of shards, e.g. zarr-4096."
    ),
    "precision": _Shorthand("pairs.precision", "TYPE", "float32, tf32, bfloat16 or float16."),
    "batch": _Shorthand("pairs.sampling_batch", "N", "Samples per batch, or 'auto'."),
    "finish": _Shorthand(
        "finish",
        "KIND",
        "Train each student a second time for a little, as NAME-finished: 'distribution' brings features of "
        "its samples to those of the pairs.",
    ),
    "trackers": _Shorthand(
        "trackers",
        "NAMES",
        "Trackers of the trainings, such as tensorboard,mlflow; docs/trackers.md lists them.",
    ),
    "mask": _Shorthand(
        "privacy.masks",
        "DECISION",
        "Which filter decision to apply if the recipe lacks filters, or 'none', as in --mask bf3c83aa5098 "
        "('kdm pairs show' lists them); may be repeated.",
        may_repeat=True,
    ),
    "workers": _Shorthand(
        "pairs.num_workers",
        "N",
        "Shards generated in parallel, by threads, processes or local Dask workers; 0: one per GPU or "
        "core.",
    ),
}

_COMPLETED: dict[str, Callable[..., list[str]]] = {
    "teacher": offering("teachers"),
    "pairs": offering("pairs"),
    "policy": offering("policies"),
    "mask": offering("decisions"),
    "trackers": offering("trackers"),
}


def takes(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command with `**options` these options of a `Request`, the common ones and the shorthands.

    Lists arrive as tuples; the shorthands arrive as the last `overrides`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**given: Any) -> None:
            more = [
                f"{each.path}={_as_yaml(name, value)}"
                for name, each in _SHORTHANDS.items()
                if (value := given.pop(name))
            ]
            given["overrides"] = [*(given["overrides"] or ()), *more]
            command(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})

        told = signature(command)
        own = [each for each in told.parameters.values() if each.kind is not each.VAR_KEYWORD]
        own += [_option(name) for name in (*_COMMON, *names)]
        shown = told.replace(parameters=[*own, *map(_parameter, _SHORTHANDS)])
        with_options.__signature__ = shown  # type: ignore[attr-defined]  # what typer reads
        return with_options

    return decorate


def _option(name: str) -> Parameter:
    kind, default = _OPTIONS[name]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _parameter(name: str) -> Parameter:
    _, metavar, text, may_repeat = _SHORTHANDS[name]
    option = typer.Option(
        f"--{name}",
        metavar=metavar,
        help=text,
        show_default=False,
        autocompletion=_COMPLETED.get(name),
    )
    kind: Any = list[str] | None if may_repeat else str
    default = None if may_repeat else ""
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def _as_yaml(name: str, value: str | list[str]) -> str:
    """Numbers as they are, anything else as a string."""
    if isinstance(value, list):
        return json.dumps([] if asks_for_no_mask(value) else value)
    is_number = name == "fpr" or (
        name in ("batch", "workers") and value.isascii() and value.isdecimal()
    )
    return value if is_number else json.dumps(value)


def asks_for_no_mask(named: Sequence[str]) -> bool:
    """Whether --mask none was given; a ValueError if a decision was given too."""
    if NO_MASK in named and set(named) != {NO_MASK}:
        raise ValueError("--mask names a decision and none at once; give one of them")
    return NO_MASK in named
