"""Commands about a home, about a student's samples and about this machine."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import typer

from flows.commands.completions import offering
from flows.commands.option_types import (
    MOST_RUNS,
    MOST_SAMPLES,
    AsJson,
    Best,
    DryRun,
    Home,
    PairsName,
    Seed,
    StudentName,
    age,
    whole,
)
from flows.commands.recipe_options import takes
from flows.request import Request

_A_MONTH = timedelta(days=30)


def add_home_commands(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("show", help="Print a recipe with its defaults, or list the recipes.")(_show)
    app.command("ls", help="List what is in a home. That includes what metrics keep there.")(_ls)
    app.command(
        "rm", help="Remove one thing that 'kdm ls' lists. Of a study or report, only its pages."
    )(_rm)
    app.command("leaderboard", help="Compare every student of one set: quality and cost.")(
        _leaderboard
    )
    app.command("sample", help="Draw samples from a student.")(_sample)
    app.command("export", help="Write a student for other programs: ONNX, diffusers.")(_export)
    app.command("deploy", help="Deploy every flow to your Prefect server.")(_deploy)
    app.command("prune", help="Free disk: remove what nobody will read again. Asks first.")(_prune)
    app.command(
        "prune runs", help="Remove old flow runs from your Prefect server. What they made stays."
    )(_prune_runs)
    app.command("config", help="Show the settings that hold, and where they come from.")(_config)
    app.command("doctor", help="Check that this machine has what is needed.")(_doctor)


@takes()
def _show(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name or file.", autocompletion=offering("recipes"))
    ] = "",
    as_json: AsJson = False,
    **options: Any,
) -> None:
    from flows.commands.show import list_recipes, show

    if recipe:
        show(Request(recipe, **options), as_json=as_json)
    else:
        list_recipes(as_json=as_json)


def _ls(home: Home = "", as_json: AsJson = False) -> None:
    from flows.commands.ls import ls

    ls(home, as_json=as_json)


def _leaderboard(
    pairs: PairsName,
    by: Annotated[
        str,
        typer.Option("--by", metavar="NUMBER", help="The number to order by, such as paired_mse."),
    ] = "",
    home: Home = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.leaderboard import write_leaderboard

    write_leaderboard(pairs, home, by=by, is_dry=dry_run, as_json=as_json)


def _rm(
    name: Annotated[
        str,
        typer.Argument(
            help="Its name in 'kdm ls', or KIND/NAME.", autocompletion=offering("things")
        ),
    ],
    home: Home = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Remove it even if pairs or students depend on it.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    from flows.commands.rm import rm

    rm(name, home, is_confirmed=yes, is_forced=force, is_dry=dry_run)


def _sample(
    student: StudentName,
    num_samples: Annotated[
        int,
        typer.Option("-n", parser=whole(1, MOST_SAMPLES), metavar="N", help="How many samples."),
    ] = 64,
    seed: Seed = 0,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            help="A .npy, .npz (uint8) or .png (one picture), or FOLDER/ for PNGs; else text.",
        ),
    ] = "",
    *,
    grid: Annotated[str, typer.Option("--grid", help="Also draw all samples into this .png.")] = "",
    label: Annotated[
        str, typer.Option("--label", help="A class, several (0,3,5) or all; used in turn.")
    ] = "",
    precision: Annotated[str, typer.Option("--precision", help="float32 or bfloat16.")] = "float32",
    best: Best = False,
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.sample import Wanted, sample

    kept: Literal["best", "last"] = "best" if best else "last"
    sample(student, home, Wanted(num_samples, seed, out, grid, label, precision, kept, dry_run))


def _export(
    student: StudentName,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORM",
            help="onnx, torch-export or diffusers.",
            autocompletion=offering("forms of a student"),
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            help="The .onnx or .pt2, or the new folder of diffusers; by default the student's name, here.",
        ),
    ] = "",
    *,
    as_bytes: Annotated[
        bool,
        typer.Option("--as-bytes", help="It gives pictures as bytes, rounded as the pairs' are."),
    ] = False,
    num_steps: Annotated[
        int | None,
        typer.Option(
            "--num-steps",
            parser=whole(1, 1000),  # as a recipe has at most
            metavar="N",
            help="Evaluations of a sample, for students that sample in steps.",
        ),
    ] = None,
    best: Best = False,
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.student_export import Export, export_student

    kept: Literal["best", "last"] = "best" if best else "last"
    export_student(student, home, Export(to, out, as_bytes, num_steps, kept, dry_run))


def _deploy(
    pool: Annotated[
        str,
        typer.Option(
            "--pool", metavar="NAME", help="The work pool; one other than local must exist."
        ),
    ] = "local",
    image: Annotated[
        str,
        typer.Option("--image", help="The image of the runs, if the pool starts containers."),
    ] = "",
    home: Annotated[
        str,
        typer.Option(
            "--home", help="The home of the runs; by default the one in their environment."
        ),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            parser=whole(1, MOST_RUNS),
            metavar="N",
            help="At most N runs of each flow at a time; others wait (docs/prefect.md, 'Limits').",
        ),
    ] = None,
    *,
    automations: Annotated[
        bool,
        typer.Option(
            "--automations",
            help="Also let the server mark runs as Crashed that give no sign of life for 15 minutes.",
        ),
    ] = False,
    webhook: Annotated[
        str,
        typer.Option(
            "--webhook",
            metavar="URL",
            help="Also let the server call this address when a student becomes worse.",
        ),
    ] = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.deploy import deploy
    from flows.orchestration.work_pool import Runs

    runs = Runs(pool, image, home)
    deploy(runs, limit=limit, with_automations=automations, webhook=webhook, is_dry=dry_run)


def _prune(
    home: Home = "",
    caches: Annotated[
        bool,
        typer.Option("--caches", help="Also what metrics and studies keep and can compute again."),
    ] = False,
    unused: Annotated[
        timedelta | None,
        typer.Option(
            "--unused",
            parser=age,
            metavar="AGE",
            help="Also things of at least this age that no run, study or page refers to, as 30d.",
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.prune_home import Manner, Wanted, prune_home

    unused_for = None if unused is None else unused.total_seconds()
    wanted = Wanted(caches, unused_for)
    prune_home(home, wanted, Manner(dry_run, yes, as_json))


def _prune_runs(
    older_than: Annotated[
        timedelta,
        typer.Option(
            "--older-than",
            parser=age,
            metavar="AGE",
            show_default=False,
            help="Only runs that ended at least that long ago, such as 12h or 8w.  [default: 30d]",
        ),
    ] = _A_MONTH,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: DryRun = False,
) -> None:
    from flows.commands.prune_runs import prune_runs

    prune_runs(older_than, is_confirmed=yes, is_dry=dry_run)


def _config(as_json: AsJson = False) -> None:
    from flows.commands.config import show_settings

    show_settings(as_json=as_json)


def _doctor(home: Home = "", as_json: AsJson = False) -> None:
    from flows.doctor import doctor

    doctor(home, as_json=as_json)
