"""The commands `kdm student …`; what does the work is imported by the command that needs it."""

from typing import Annotated

import typer

from flows.commands.option_types import number
from flows.home import DEFAULT_HOME, HOME_VARIABLE

student_app = typer.Typer(
    help="Students: import a published one, prove one against a golden, see the paper's.",
    no_args_is_help=True,
)


@student_app.command("import", help="Store a published KDM; nothing in its file is executed.")
def _import(
    file: Annotated[str, typer.Argument(help="What torch.save has written, or a .safetensors.")],
    name: Annotated[str, typer.Option("--name", help="What it is called; else as its file.")] = "",
    home: Annotated[
        str, typer.Option("--home", envvar=HOME_VARIABLE, help="Where everything is stored.")
    ] = DEFAULT_HOME,
    student: Annotated[
        str, typer.Option("--student", help="kdm or kdm-f, to be held against the file.")
    ] = "",
    noise_scale: Annotated[
        float | None,
        typer.Option(
            "--noise-scale",
            parser=number(1e-6, 1e6),
            metavar="NUMBER",
            help="Standard deviation of its noise, where the file does not say it: EDM 80, flow 1.",
        ),
    ] = None,
) -> None:
    from flows.commands.student_import import Import, import_student

    import_student(Import(file, name, student, noise_scale), home)


@student_app.command("check", help="Prove a training step by goldens; exit code 0 if all agree.")
def _check(
    goldens: Annotated[list[str], typer.Argument(metavar="GOLDEN.npz…", help="Their files.")],
) -> None:
    from flows.commands.student_check import check

    check(goldens)


@student_app.command("presets", help="The paper's students, or one as a recipe has it.")
def _presets(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which; else a list.")] = "",
    *,
    published: Annotated[
        bool, typer.Option("--published", help="Without this project's departures.")
    ] = False,
) -> None:
    from flows.commands.student_presets import list_presets, show_preset

    if name:
        show_preset(name, "published" if published else "default")
    else:
        list_presets()
