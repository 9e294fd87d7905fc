"""The flows' parameters as Prefect's forms show them: what each means, and its choices.

Prefect validates a new run's parameters against this schema, so a wrong recipe is refused before any
worker starts. Values stay plain.
"""

from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, signature
from typing import Annotated, Any, TypedDict, TypeVar, get_args, get_type_hints

from pydantic import Field, WithJsonSchema

from flows.config.recipe_files import recipe_names
from flows.config.splits import SPLITS
from flows.request import STAGES, Request
from storage.redaction import NO_SECRET


def _choices(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def _schema(description: str, **schema: Any) -> WithJsonSchema:
    # Prefect overwrites a Field's description with the docstring's words; a schema's description stays.
    return WithJsonSchema({**schema, "description": description})


# What the server refuses it doesn't store.
_TEXT: dict[str, Any] = {"type": "string", **NO_SECRET}
_WORDS = {"type": "array", "items": _TEXT}
_OPTIONAL_COUNT = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}


_RECIPE = [_choices(*recipe_names()), {**_TEXT, "pattern": r"\.ya?ml$"}]
_RECIPE_WORDS = "A recipe's name, or the path of a YAML file on the worker's machine."

RecipeName = Annotated[str, _schema(_RECIPE_WORDS, anyOf=_RECIPE)]
OptionalRecipe = Annotated[
    str,
    _schema(
        f"{_RECIPE_WORDS} Empty: every run that the home knows.", anyOf=[*_RECIPE, _choices("")]
    ),
]
Home = Annotated[
    str, _schema("Where everything is stored. Empty: KDM_HOME, else ./kdm-home.", **_TEXT)
]
_Whole = Annotated[int, Field(strict=True, ge=1)]  # no text, no true, no 2.0

Count = Annotated[
    _Whole | None,
    _schema("Number of training indices, instead of the recipe's.", **_OPTIONAL_COUNT),
]
Overrides = Annotated[
    tuple[str, ...], _schema("Changes of the recipe, each written as a.b=value.", **_WORDS)
]
Students = Annotated[
    tuple[str, ...], _schema("The students to train or measure. Empty: all.", **_WORDS)
]
Device = Annotated[
    str, _schema("auto takes the GPU if there is one.", **_choices("auto", "cpu", "cuda"))
]
Until = Annotated[str, _schema("The last stage to run.", **_choices(*STAGES))]
On = Annotated[
    str,
    _schema(
        "Where shards are made: threads (the worker's process), processes, dask, or dask://HOST:PORT.",
        **_TEXT,
    ),
]
Part = Annotated[str, _schema("NUMBER/COUNT, for a job of an array that makes one set.", **_TEXT)]
Workers = Annotated[
    _Whole | None,
    _schema(
        "Runs of make-shards/default that make shards side by side, on any workers. Empty: none, this "
        "run makes them.",
        **_OPTIONAL_COUNT,
    ),
]
Split = Annotated[str, _schema("The split of the shards.", **_choices(*SPLITS))]
Shards = Annotated[
    tuple[int, ...],
    _schema("The numbers of the shards.", type="array", items={"type": "integer", "minimum": 0}),
]
Nodes = Annotated[
    _Whole | None,
    _schema("Machines that train together, a run on each. Empty: one.", **_OPTIONAL_COUNT),
]
Rendezvous = Annotated[
    str, _schema("HOST:PORT of one of these machines, where they meet.", **_TEXT)
]
Ranks = Annotated[
    _Whole | None,
    _schema(
        "Processes that train together on each machine, one a GPU. Empty: one.", **_OPTIONAL_COUNT
    ),
]

AtOnce = Annotated[
    _Whole | None,
    _schema(
        "Students trained at the same time. Empty: as many as the cores allow, one on a GPU.",
        **_OPTIONAL_COUNT,
    ),
]


class CommonOptions(TypedDict, total=False):
    """What every flow takes in addition to its recipe; the defaults are those of `Request`."""

    home: Home
    count: Count
    overrides: Overrides
    device: Device


class GenerationOptions(CommonOptions, total=False):
    """For the flow that generates pairs."""

    on: On
    part: Part
    workers: Workers


class TrainingOptions(CommonOptions, total=False):
    """For a flow that trains."""

    ranks: Ranks
    nodes: Nodes
    rendezvous: Rendezvous


class StudentOptions(CommonOptions, total=False):
    """For a flow about students."""

    students: Students


class StudentTrainingOptions(StudentOptions, TrainingOptions, total=False):
    """For a flow that trains students."""

    at_once: AtOnce


class PipelineOptions(StudentTrainingOptions, GenerationOptions, total=False):
    """For the flow of all stages."""

    until: Until


Body = TypeVar("Body", bound=Callable[..., Any])


def expose_options(body: Body) -> Body:
    """Show each of a flow's `**options` as a separate parameter, for Prefect's forms.

    Only the signature changes, which Prefect reads: `home`, `count` and so on instead of `options`. The
    defaults are those of `Request`; the body gets what a caller gave.
    """
    (options,) = get_args(get_type_hints(body, include_extras=True)["options"])
    defaults = {field.name: field.default for field in fields(Request)}
    told = signature(body)
    shown = [each for each in told.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    shown += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=defaults[name], annotation=kind)
        for name, kind in get_type_hints(options, include_extras=True).items()
    ]
    body.__signature__ = told.replace(parameters=shown)  # type: ignore[attr-defined]
    return body
