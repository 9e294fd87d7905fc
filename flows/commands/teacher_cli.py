"""The commands `kdm teacher …`; what does the work is imported by the command that needs it."""

from typing import Annotated

import typer

from flows.home import DEFAULT_HOME, HOME_VARIABLE

teacher_app = typer.Typer(
    help="Teachers that others have trained: import their checkpoints, prove a network.",
    no_args_is_help=True,
)

Home = Annotated[
    str, typer.Option("--home", envvar=HOME_VARIABLE, help="Where everything is stored.")
]


@teacher_app.command("import", help="Store a published teacher; nothing in its file is executed.")
def _import(
    file: Annotated[str, typer.Argument(help="An EDM .pkl, or what torch.save has written.")],
    name: Annotated[str, typer.Option("--name", help="What it is called; else as its file.")] = "",
    home: Home = DEFAULT_HOME,
    preset: Annotated[
        str, typer.Option("--preset", help="Its network, where the file does not say it.")
    ] = "",
    license_: Annotated[
        str, typer.Option("--license", help="Of its weights, as in mit; else as published.")
    ] = "",
    *,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Without the picture of 16 samples.")
    ] = False,
) -> None:
    from flows.commands.teacher import import_teacher
    from flows.config.teacher_import import Import

    import_teacher(Import(file, name, preset, license_, has_samples=not no_samples), home)


@teacher_app.command("check", help="Prove networks by numeric goldens; exit code 0 if all agree.")
def _check(
    goldens: Annotated[list[str], typer.Argument(metavar="GOLDEN.npz…", help="Their files.")],
) -> None:
    from flows.commands.teacher_check import check

    check(goldens)
