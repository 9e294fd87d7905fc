"""`kdm run` and a command for each stage; all of them take a recipe and make a `Request` of it."""

from typing import Annotated, Any

import typer

from flows.commands.completions import offering
from flows.commands.option_types import AsJson, DryRun, Home
from flows.commands.recipe_options import Recipe, takes
from flows.request import Request

_OF_ALL = ("direct", "dry_run", "as_json")  # options of every stage


def add_stage_commands(app: typer.Typer) -> None:
    """Add the commands of this file, in the order of the stages."""
    app.command("run", help="Run every stage of a recipe, or those up to --until.")(_run)
    app.command("pipeline", help="The same as run.")(_run)
    app.command("train-teacher", help="Train the teacher.")(_train_teacher)
    app.command("generate-pairs", help="Generate the pairs that the store lacks.")(_generate_pairs)
    app.command(
        "filter-pairs",
        help="Write keep/drop masks and a page of what was dropped.",
    )(_filter_pairs)
    app.command("distill", help="Train students on stored pairs.")(_distill)
    app.command("evaluate", help="Measure students beside their teacher.")(_evaluate)
    app.command("evaluate reference", help="Keep statistics of real pictures for FID.")(_reference)
    app.command(
        "eval-report",
        help="Write a recipe's report, or all outdated ones.",
    )(_eval_report)


@takes(
    "students",
    "at_once",
    "device",
    "ranks",
    "nodes",
    "rendezvous",
    "on",
    "until",
    *_OF_ALL,
)
def _run(recipe: Recipe, **options: Any) -> None:
    _run_flow("pipeline", recipe, options)


@takes("device", "ranks", "nodes", "rendezvous", *_OF_ALL)
def _train_teacher(recipe: Recipe, **options: Any) -> None:
    _run_flow("train-teacher", recipe, options)


@takes("device", "on", "part", *_OF_ALL)
def _generate_pairs(recipe: Recipe, **options: Any) -> None:
    _run_flow("generate-pairs", recipe, options)


@takes("device", *_OF_ALL)
def _filter_pairs(
    recipe: Recipe,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Also write the dropped pairs beside what they copy, for you alone.",
        ),
    ] = False,
    **options: Any,
) -> None:
    from flows.commands.filtered import filter_pairs

    if options["dry_run"]:
        _run_flow("filter-pairs", recipe, options)
        return
    is_direct, as_json, _ = (options.pop(name) for name in ("direct", "as_json", "dry_run"))
    request = Request(recipe, **_given({**options, "until": "filter-pairs"}))
    filter_pairs(request, is_direct=is_direct, is_private=private, as_json=as_json)


@takes("students", "at_once", "device", "ranks", "nodes", "rendezvous", *_OF_ALL)
def _distill(recipe: Recipe, **options: Any) -> None:
    _run_flow("distill", recipe, options)


@takes("students", "device", *_OF_ALL)
def _evaluate(recipe: Recipe, **options: Any) -> None:
    _run_flow("evaluate", recipe, options)


def _reference(  # noqa: PLR0913  (one an option)
    data: Annotated[
        str,
        typer.Argument(help="A recipe with a data set, or pictures: a folder, zip, tar or array."),
    ],
    split: Annotated[str, typer.Option("--split", help="train or heldout.")] = "train",
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            help="The metric that takes them, as in evaluation.metrics: fid, '{plugin: fid, mode: clean}'.",
        ),
    ] = "fid",
    shape: Annotated[
        str,
        typer.Option(
            "--shape", metavar="C,H,W", help="Shape of pictures that no recipe describes."
        ),
    ] = "",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="A.B=VALUE",
            help="Change one value, such as --set dataset.source=PATH.",
        ),
    ] = None,
    *,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
    home: Home = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.reference import Wanted, reference

    wanted = Wanted(data, split, metric, shape, tuple(overrides or ()), device, dry_run)
    reference(wanted, home, as_json=as_json)


@takes("students", "device", *_OF_ALL)
def _eval_report(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe; by default all that the home has.", autocompletion=offering("recipes")
        ),
    ] = "",
    **options: Any,
) -> None:
    if recipe:
        _run_flow("eval-report", recipe, options)
        return
    if options["dry_run"]:
        raise ValueError("--dry-run looks at one recipe; name it")
    from flows.commands.run import refresh

    refresh(options["home"], is_direct=options["direct"], as_json=options["as_json"])


def _run_flow(flow: str, recipe: str, options: dict[str, Any]) -> None:
    is_direct, as_json, is_dry = (options.pop(name) for name in ("direct", "as_json", "dry_run"))
    if flow != "pipeline":
        options["until"] = flow
    request = Request(recipe, **_given(options))
    if is_dry:
        from flows.commands.dry_run import dry_run

        dry_run(request, as_json=as_json)
        return
    from flows.commands.run import run

    run(request, flow=flow, is_direct=is_direct, as_json=as_json)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
