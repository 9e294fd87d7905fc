"""The commands `kdm student …`; each imports its own implementation."""

from typing import Annotated

import typer

from flows.commands.option_types import AsJson, DryRun, Goldens, Home, Name, number

student_app = typer.Typer(
    help="Import a student, check a step, list presets.",
    no_args_is_help=True,
)


@student_app.command("import", help="Store a published KDM; its file is never executed.")
def _import(
    file: Annotated[str, typer.Argument(help="What torch.save has written, or a .safetensors.")],
    name: Name = "",
    home: Home = "",
    student: Annotated[
        str, typer.Option("--student", help="kdm or kdm-f; an error if the file differs.")
    ] = "",
    noise_scale: Annotated[
        float | None,
        typer.Option(
            "--noise-scale",
            parser=number(1e-6, 1e6),
            metavar="NUMBER",
            help="Standard deviation of its noise, if the file doesn't state it: EDM 80, flow 1.",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    from flows.commands.student_import import Import, import_student

    import_student(Import(file, name, student, noise_scale), home, is_dry=dry_run)


@student_app.command(
    "check", help="Compare a training step with goldens; exit code 0 if all agree."
)
def _check(goldens: Goldens, as_json: AsJson = False) -> None:
    from flows.commands.student_check import check

    check(goldens, as_json=as_json)


@student_app.command("presets", help="List the paper's students, or print one as a recipe has it.")
def _presets(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", help="The preset to print; by default all names are listed."
        ),
    ] = "",
    *,
    published: Annotated[
        bool, typer.Option("--published", help="As published, without this project's changes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.student_presets import list_presets, show_preset

    if name:
        show_preset(name, "published" if published else "default", as_json=as_json)
    else:
        list_presets(as_json=as_json)
