"""The command `kdm`. Torch, pydantic and Prefect are imported by the commands that need them."""

import os
import sys
from itertools import pairwise
from typing import Annotated, Literal, NoReturn

import typer

from flows.commands.option_types import MOST_SAMPLES, whole
from flows.commands.pairs_cli import pairs_app
from flows.commands.shorthands import with_shorthands
from flows.commands.student_cli import student_app
from flows.commands.teacher_cli import teacher_app
from flows.exit import Stopped, leave, stop_on_signals
from flows.home import DEFAULT_HOME, HOME_VARIABLE
from flows.request import Request
from storage.errors import StoreError
from storage.terminal import replace_what_cannot_be_said

app = typer.Typer(
    name="kdm",
    help="Distil diffusion teachers offline: pairs once, students from pairs, numbers side by side.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},  # its groups and commands inherit it
)
app.add_typer(pairs_app, name="pairs")
app.add_typer(teacher_app, name="teacher")
app.add_typer(student_app, name="student")

Recipe = Annotated[str, typer.Argument(help="A recipe's name ('kdm show' lists them) or file.")]
Home = Annotated[
    str, typer.Option("--home", envvar=HOME_VARIABLE, help="Where everything is stored.")
]
Count = Annotated[
    int | None,
    typer.Option(
        "--count",
        parser=whole(1, MOST_SAMPLES),
        metavar="N",
        help="Training indices, in place of the recipe's.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="On top of the recipe; may be repeated."),
]
Students = Annotated[
    list[str] | None,
    typer.Option("--student", metavar="NAME", help="Only these students; may be repeated."),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")]
Ranks = Annotated[
    int | None,
    typer.Option(
        "--ranks",
        parser=whole(1, 1024),
        metavar="N",
        help="Processes that train together, one a GPU; else one.",
    ),
]
Direct = Annotated[bool, typer.Option("--direct", help="The bare stages, without Prefect.")]
Until = Annotated[str, typer.Option("--until", metavar="STAGE", help="The last stage to run.")]

TRACEBACK_VARIABLE = "KDM_TRACEBACK"


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="The version, and nothing else.")
    ] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("kdm-offline"))
        raise typer.Exit


@app.command("run", help="Every stage of a recipe, or those up to --until.")
@app.command("pipeline", help="Another name of run.")
@with_shorthands
def _pipeline(
    recipe: Recipe,
    home: Home = DEFAULT_HOME,
    count: Count = None,
    overrides: Overrides = None,
    *,
    students: Students = None,
    device: Device = "auto",
    ranks: Ranks = None,
    until: Until = "eval-report",
    direct: Direct = False,
) -> None:
    names = (tuple(overrides or ()), tuple(students or ()))
    _run("pipeline", Request(recipe, home, count, *names, device, until, ranks), direct)


def _stage_command(stage: str, text: str) -> None:
    @app.command(stage, help=text)
    @with_shorthands
    def command(
        recipe: Recipe,
        home: Home = DEFAULT_HOME,
        count: Count = None,
        overrides: Overrides = None,
        *,
        device: Device = "auto",
        direct: Direct = False,
    ) -> None:
        chosen = tuple(overrides or ())
        _run(stage, Request(recipe, home, count, chosen, device=device, until=stage), direct)


_stage_command("generate-pairs", "Make the pairs that the store lacks.")
_stage_command("filter-pairs", "Score and decide, as masks beside the pairs.")


@app.command("train-teacher", help="Train the field that pairs are made with.")
@with_shorthands
def _train_teacher(
    recipe: Recipe,
    home: Home = DEFAULT_HOME,
    count: Count = None,
    overrides: Overrides = None,
    *,
    device: Device = "auto",
    ranks: Ranks = None,
    direct: Direct = False,
) -> None:
    stage, chosen = "train-teacher", tuple(overrides or ())
    request = Request(recipe, home, count, chosen, device=device, until=stage, ranks=ranks)
    _run(stage, request, direct)


@app.command("distill", help="Train students from stored pairs.")
@with_shorthands
def _distill(
    recipe: Recipe,
    home: Home = DEFAULT_HOME,
    count: Count = None,
    overrides: Overrides = None,
    *,
    students: Students = None,
    device: Device = "auto",
    ranks: Ranks = None,
    direct: Direct = False,
) -> None:
    names = (tuple(overrides or ()), tuple(students or ()))
    _run("distill", Request(recipe, home, count, *names, device, "distill", ranks), direct)


@app.command("evaluate", help="Measure students beside their teacher.")
@with_shorthands
def _evaluate(
    recipe: Recipe,
    home: Home = DEFAULT_HOME,
    count: Count = None,
    overrides: Overrides = None,
    *,
    students: Students = None,
    device: Device = "auto",
    direct: Direct = False,
) -> None:
    names = (tuple(overrides or ()), tuple(students or ()))
    _run("evaluate", Request(recipe, home, count, *names, device, "evaluate"), direct)


@app.command("eval-report", help="Write a recipe's report; without one, all that are not current.")
@with_shorthands
def _eval_report(
    recipe: Annotated[str, typer.Argument(help="A recipe, or nothing: all the home knows.")] = "",
    home: Home = DEFAULT_HOME,
    count: Count = None,
    overrides: Overrides = None,
    *,
    students: Students = None,
    device: Device = "auto",
    direct: Direct = False,
) -> None:
    if not recipe:
        from flows.commands.run import refresh

        refresh(home, is_direct=direct)
        return
    names = (tuple(overrides or ()), tuple(students or ()))
    _run("eval-report", Request(recipe, home, count, *names, device, "eval-report"), direct)


@app.command("show", help="A recipe with every default resolved; without one, all recipes.")
@with_shorthands
def _show(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or file.")] = "",
    home: Home = DEFAULT_HOME,
    count: Count = None,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON in place of YAML.")] = False,
) -> None:
    from flows.commands.show import list_recipes, show

    if recipe:
        show(Request(recipe, home, count, tuple(overrides or ())), as_json=as_json)
    else:
        list_recipes(as_json=as_json)


@app.command("ls", help="What is at a home.")
def _ls(home: Home = DEFAULT_HOME) -> None:
    from flows.commands.ls import ls

    ls(home)


@app.command("rm", help="Remove a teacher, a set of pairs, a student, a classifier or a report.")
def _rm(
    name: Annotated[str, typer.Argument(help="Its name in 'kdm ls', or KIND/NAME.")],
    home: Home = DEFAULT_HOME,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if others rest on it.")] = False,
) -> None:
    from flows.commands.rm import rm

    rm(name, home, is_confirmed=yes, is_forced=force)


@app.command("sample", help="Samples of a student from fresh noise.")
def _sample(
    student: Annotated[str, typer.Argument(help="Its name in 'kdm ls', or its folder.")],
    num_samples: Annotated[
        int, typer.Option("-n", parser=whole(1, MOST_SAMPLES), metavar="N", help="How many.")
    ] = 64,
    seed: Annotated[
        int, typer.Option("--seed", parser=whole(0, 2**64 - 1), metavar="N", help="Of the noise.")
    ] = 0,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            help="A .npy, .npz (uint8) or .png (one picture), FOLDER/ of PNGs; else one sample a line.",
        ),
    ] = "",
    *,
    grid: Annotated[str, typer.Option("--grid", help="A .png of all samples.")] = "",
    label: Annotated[
        str, typer.Option("--label", help="A class, several (0,3,5) or all, in turn.")
    ] = "",
    precision: Annotated[str, typer.Option("--precision", help="float32 or bfloat16.")] = "float32",
    best: Annotated[
        bool, typer.Option("--best", help="The weights of the lowest training loss, not the last.")
    ] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    from flows.commands.sample import Wanted, sample

    kept: Literal["best", "last"] = "best" if best else "last"
    sample(student, home, Wanted(num_samples, seed, out, grid, label, precision, kept))


@app.command("deploy", help="Deploy every flow at the Prefect server of PREFECT_API_URL.")
def _deploy() -> None:
    from flows.commands.deploy import deploy

    deploy()


@app.command("doctor", help="Whether this machine has what is needed; exit code 0 if so.")
def _doctor(home: Home = DEFAULT_HOME) -> None:
    from flows.doctor import doctor

    doctor(home)


def _run(flow: str, request: Request, is_direct: bool) -> None:
    from flows.commands.run import run

    run(request, flow=flow, is_direct=is_direct)


def main() -> NoReturn:
    """The entry point: one sentence and exit code 2 for the user's error, 1 for another failure."""
    stop_on_signals()
    replace_what_cannot_be_said()
    try:
        _refuse_empty(sys.argv[1:])
        app()
    except Stopped as stopped:
        typer.echo("stopped; what is finished is kept, and the same command resumes", err=True)
        leave(int(stopped.code or 0))
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else 0)
    except (ValueError, StoreError, OSError) as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        typer.echo(f"error: {_sentence(error)}", err=True)
        leave(_exit_code(error))
    leave(0)


def _refuse_empty(arguments: list[str]) -> None:
    """An empty value is a variable of a script that was never set: it must not mean 'all' or 'the usual'."""
    for before, each in pairwise(["", *arguments]):
        is_option = each.startswith("--") and each.endswith("=") and each.count("=") == 1
        if is_option or not each.strip():
            what = each[:-1] if is_option else before if before.startswith("-") else "an argument"
            raise ValueError(f"{what} is given an empty value; give it one, or leave it out")


def _sentence(error: Exception) -> str:
    """An error of the operating system as its file and its reason, without its number."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    return (
        f"{place}{error.strerror[:1].lower()}{error.strerror[1:]}; see whether it is there and may be read "
        "or written"
    )


def _exit_code(error: Exception) -> int:
    from flows.stages.child import TrainingFailedError

    return 1 if isinstance(error, TrainingFailedError | OSError) else 2
