"""The command `kdm`. Torch, pydantic and Prefect are imported by the commands that need them."""

import os
import signal
import sys
from itertools import pairwise
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from flows.commands.bash_words import rejoin_words
from flows.commands.home_cli import add_home_commands
from flows.commands.hub_cli import pull_app, push_app
from flows.commands.pairs_cli import pairs_app
from flows.commands.privacy_cli import privacy_app
from flows.commands.stages_cli import add_stage_commands
from flows.commands.student_cli import student_app
from flows.commands.study_cli import study_app
from flows.commands.teacher_cli import teacher_app
from flows.commands.verbosity_options import add_verbosity
from flows.exit import Stopped, TrainingFailedError, leave, stop_on_signals
from storage.errors import StoreError
from storage.redaction import Redacting, redacted, require_no_secret
from storage.startup import replace_what_cannot_be_said


class _TwoWords(TyperGroup):
    """Takes two words for one command's name: `evaluate reference DATA` beside `evaluate RECIPE`."""

    # Typer brings its own click, or uses the package, by release: their classes can't be named here.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Click's, of the longest name."""
        name = " ".join(args[:2])
        command = self.get_command(ctx, name) if len(args) > 1 else None
        return (name, command, args[2:]) if command else super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Click's, one word at a time: the second is offered where the first command's argument stands."""
        return [each for each in super().shell_complete(ctx, incomplete) if " " not in each.value]


app = typer.Typer(
    name="kdm",
    cls=_TwoWords,
    help="Distil diffusion models offline: generate pairs once, then train one-step students on them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},  # its groups and commands inherit it
)
add_stage_commands(app)
add_home_commands(app)
app.add_typer(pairs_app, name="pairs")
app.add_typer(teacher_app, name="teacher")
app.add_typer(student_app, name="student")
app.add_typer(study_app, name="study")
app.add_typer(privacy_app, name="privacy")
app.add_typer(push_app, name="push")
app.add_typer(pull_app, name="pull")

TRACEBACK_VARIABLE = "KDM_TRACEBACK"


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("kdm-offline"))
        raise typer.Exit


add_verbosity(app)


def main() -> NoReturn:
    """The entry point: one sentence and exit code 2 for the user's error, 1 for another failure."""
    stop_on_signals()
    replace_what_cannot_be_said()
    try:
        _refuse_empty(sys.argv[1:])
        _refuse_secrets(sys.argv[1:])
        rejoin_words(os.environ)
        with Redacting():
            app()
    except Stopped as stopped:
        typer.echo("stopped; what is finished is kept, and the same command resumes", err=True)
        leave(int(stopped.code or 0))
    except SystemExit as ended:
        leave(_ended_with(ended))
    except (ValueError, StoreError, OSError) as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        typer.echo(f"error: {redacted(_sentence(error))}", err=True)
        leave(_exit_code(error))
    leave(0)


def _ended_with(ended: SystemExit) -> int:
    """The exit code that click chose; that of SIGPIPE if nobody reads what is printed, as after `| head -1`.

    Click ends with 1 then, which would say that the answer is bad.
    """
    if isinstance(ended.__context__, BrokenPipeError):
        return 128 + signal.SIGPIPE
    return ended.code if isinstance(ended.code, int) else 0


def _refuse_empty(arguments: list[str]) -> None:
    """An empty value is a variable of a script that was never set: it must not mean 'all' or 'the usual'."""
    for before, each in pairwise(["", *arguments]):
        is_option = each.startswith("--") and each.endswith("=") and each.count("=") == 1
        if is_option or not each.strip():
            what = each[:-1] if is_option else before if before.startswith("-") else "an argument"
            raise ValueError(f"{what} is given an empty value; give it one, or leave it out")


def _refuse_secrets(arguments: list[str]) -> None:
    """Everyone on this machine can read a command's arguments, and Prefect stores those of a run."""
    for before, each in pairwise(["", *arguments]):
        option, equals, value = each.partition("=")
        if each.startswith("--") and equals:
            require_no_secret(value, option)
        require_no_secret(each, before if before.startswith("-") else "an argument")


def _sentence(error: Exception) -> str:
    """An error of the operating system as its file and its reason, without its number."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    return (
        f"{place}{error.strerror[:1].lower()}{error.strerror[1:]}; check that it exists, "
        "and its permissions"
    )


def _exit_code(error: Exception) -> int:
    return 1 if isinstance(error, TrainingFailedError | OSError) else 2
