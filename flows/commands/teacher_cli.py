"""The commands `kdm teacher …`; each imports its own implementation."""

from typing import Annotated, Any

import typer

from flows.commands.completions import offering
from flows.commands.option_types import AsJson, DryRun, Goldens, Home, License, Name, whole
from flows.commands.recipe_options import Recipe, takes
from flows.request import Request

teacher_app = typer.Typer(
    help="Import, check and export teachers; compare samplers.",
    no_args_is_help=True,
)


@teacher_app.command("import", help="Store a published teacher; its file is never executed.")
def _import(
    file: Annotated[str, typer.Argument(help="An EDM .pkl, or what torch.save has written.")],
    name: Name = "",
    home: Home = "",
    preset: Annotated[
        str, typer.Option("--preset", help="The network's name, if the file doesn't have it.")
    ] = "",
    license_: License = "",
    *,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Without the picture of 16 samples.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    from flows.commands.teacher import import_teacher
    from flows.config.teacher_import import Import

    wanted = Import(file, name, preset, license_, has_samples=not no_samples)
    import_teacher(wanted, home, is_dry=dry_run)


@teacher_app.command("samplers", help="How close each sampler comes in how many evaluations.")
@takes("device", "dry_run", "as_json")
def _samplers(
    recipe: Recipe,
    num_samples: Annotated[
        int,
        typer.Option(
            "-n", parser=whole(1, 2**16), metavar="N", help="Samples that every sampler makes."
        ),
    ] = 64,
    **options: Any,
) -> None:
    as_json, is_dry = options.pop("as_json"), options.pop("dry_run")
    request = Request(recipe, until="train-teacher", **options)
    if is_dry:
        from flows.commands.dry_run import dry_run

        dry_run(request, as_json=as_json)
        return
    from flows.commands.teacher_samplers import teacher_samplers

    teacher_samplers(request, num_samples, as_json=as_json)


@teacher_app.command("export", help="Write a teacher as a pipeline of diffusers with a scheduler.")
def _export(
    teacher: Annotated[
        str,
        typer.Argument(
            help="Its name in 'kdm ls', or its folder.", autocompletion=offering("teachers")
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", help="The new folder; by default NAME-diffusers, here.")
    ] = "",
    sampler: Annotated[
        str,
        typer.Option(
            "--sampler",
            help="Whose steps the scheduler takes: edm-heun or dpm-2m for EDM's teachers, euler for others.",
        ),
    ] = "",
    num_steps: Annotated[
        int | None,
        typer.Option(
            "--num-steps",
            parser=whole(1, 1000),  # as a recipe has at most
            metavar="N",
            help="Steps where the user of the pipeline names none.",
        ),
    ] = None,
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.teacher_export import TeacherExport, export_teacher

    export_teacher(teacher, home, TeacherExport(out, sampler, num_steps, dry_run))


@teacher_app.command(
    "check", help="Compare networks with numeric goldens; exit code 0 if all agree."
)
def _check(goldens: Goldens, as_json: AsJson = False) -> None:
    from flows.commands.teacher_check import check

    check(goldens, as_json=as_json)
