"""The commands `kdm study human …`: a study with human raters, built and scored."""

from typing import Annotated

import typer

from flows.commands.option_types import AsJson, DryRun, Home, Seed, StudentName, whole

_MOST = 1000  # questions; and pictures a side

human_app = typer.Typer(help="Ask people which collage looks more realistic.", no_args_is_help=True)


@human_app.command("build", help="Make the page that raters open, without a network.")
def _build(
    student: StudentName,
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FOLDER", help="Where to write the page; by default human-STUDENT."
        ),
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="teacher|real", help="What the student is compared with."
        ),
    ] = "teacher",
    num_questions: Annotated[
        int,
        typer.Option(
            "--questions", parser=whole(1, _MOST), metavar="N", help="Pairs a rater sees."
        ),
    ] = 10,
    side: Annotated[
        int,
        typer.Option(
            "--side", parser=whole(1, _MOST), metavar="N", help="Pictures along a collage."
        ),
    ] = 6,
    *,
    seed: Seed = 0,
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.human_build import build_human_study
    from flows.commands.human_pictures import HumanStudy

    wanted = HumanStudy(against, num_questions, side, seed, out, dry_run)
    build_human_study(student, home, wanted)


@human_app.command("score", help="The share of answers for the student, and how sure it is.")
def _score(
    answers: Annotated[list[str], typer.Argument(help="The files that raters saved.")],
    as_json: AsJson = False,
    home: Home = "",
) -> None:
    from flows.commands.human_score import score_human_study

    score_human_study(answers, home, as_json=as_json)
