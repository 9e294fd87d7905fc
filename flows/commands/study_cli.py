"""The commands `kdm study …`. The name of a study, or its file, stands where other groups have a command.

So `kdm study losses --on digits` runs a study, and `kdm study list` is a command of the group.
"""

import copy
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.human_cli import human_app
from flows.commands.option_types import AsJson, Home, whole

_RUN = "run"  # what a study's name stands for
_MOST_JOBS = 1024


class _Studies(TyperGroup):
    """A group in which each study is a command; any other first word is the name or file of one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The studies, then the group's own commands."""
        from flows.study.study_files import study_names

        return [*study_names(), *(name for name in self.commands if name != _RUN)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command of the group; for a study the command that runs it, with the study's title."""
        from flows.study.study_files import study_titles

        if cmd_name in self.commands:
            return self.commands[cmd_name]
        run = copy.copy(self.commands[_RUN])
        run.hidden = False
        run.short_help = study_titles().get(cmd_name, "")
        return run

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The words of a study are the arguments of `run`, its name among them."""
        if args[0] in self.commands and args[0] != _RUN:
            return super().resolve_command(ctx, args)
        return _RUN, self.commands[_RUN], args


study_app = typer.Typer(
    cls=_Studies,
    help="Repeat the paper's studies, or run your own.\n\nA study is one YAML file, and its name stands "
    "where other groups have a command: 'kdm study losses --on digits'.",
    no_args_is_help=True,
    subcommand_metavar="STUDY [ARGS]...",
)


@study_app.command(_RUN, help="Run a study, or continue it.", hidden=True)
def _run(
    study: Annotated[str, typer.Argument(help="A study's name ('kdm study list') or file.")],
    on: Annotated[
        str, typer.Option("--on", metavar="DATA", help="checkerboard, digits or cifar10.")
    ],
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            parser=whole(1, _MOST_JOBS),
            metavar="N",
            help="Points that run side by side, one thread each; by default one per core.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            "--list",
            help="Print the points, which of them exist, and the time for the rest; make nothing.",
        ),
    ] = False,
    *,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
    home: Home = "",
    as_json: AsJson = False,
) -> None:
    from flows.commands.study_run import run_study, show_points
    from flows.study.planning import StudyRequest

    request = StudyRequest(study, on, home, device, jobs)
    if dry_run:
        show_points(request, as_json=as_json)
    else:
        run_study(request, as_json=as_json)


@study_app.command("list", help="List the studies of this project.")
def _list(as_json: AsJson = False) -> None:
    from flows.study.study_files import study_titles
    from flows.table import aligned, say_document

    titles = study_titles()
    if as_json:
        say_document(titles)
    else:
        typer.echo(aligned([["study", "title"], *([*each] for each in titles.items())]))


study_app.add_typer(human_app, name="human")
