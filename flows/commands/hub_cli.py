"""The commands `kdm push …` and `kdm pull …`; each imports its own implementation."""

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from flows.commands.option_types import AsJson, Home, PairsName, StudentName, TeacherName

push_app = typer.Typer(help="Send pairs, a student or a teacher to the Hub.", no_args_is_help=True)
pull_app = typer.Typer(
    help="Bring pairs, a student or a teacher from the Hub.",
    no_args_is_help=True,
)

Repo = Annotated[str, typer.Argument(metavar="REPO", help="Its name on the Hub, USER/NAME.")]
NameAndRepo = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME] REPO", help="USER/NAME on the Hub; NAME first if it gets another one here."
    ),
]
Public = Annotated[
    bool, typer.Option("--public", help="Everyone may read it; without, a new one is private.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would travel.")]
Revision = Annotated[
    str,
    typer.Option("--revision", help="A branch, a tag or a commit; by default main, which moves."),
]


@push_app.command("pairs", help="Send a set of pairs, without its masks and audits.")
def _push_pairs(  # noqa: PLR0913  (one an option)
    name: PairsName,
    repo: Repo,
    layout: Annotated[
        str,
        typer.Option(
            "--layout", metavar="FORMAT-SIZE", help="Which layout, if the set has several."
        ),
    ] = "",
    *,
    public: Public = False,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Also pairs that filters would leave out.")
    ] = False,
    no_view: Annotated[
        bool,
        typer.Option("--no-view", help="Without the copy that the Hub's viewer and datasets read."),
    ] = False,
    home: Home = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.hub_push import Sending, push_pairs

    sending = Sending(repo, home, is_public=public, is_dry=dry_run, as_json=as_json)
    push_pairs(name, sending, layout=layout, is_unmasked=unmasked, has_view=not no_view)


@push_app.command("student", help="Send a student: its weights, config, numbers and card.")
def _push_student(
    name: StudentName,
    repo: Repo,
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="USER/NAME", help="Its pairs on the Hub.")
    ] = "",
    base_model: Annotated[
        str, typer.Option("--base-model", metavar="USER/NAME", help="Its teacher on the Hub.")
    ] = "",
    *,
    public: Public = False,
    home: Home = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.hub_push import Sending, push_model

    sending = Sending(repo, home, is_public=public, is_dry=dry_run, as_json=as_json)
    push_model("student", name, sending, base_model=base_model, dataset=dataset)


@push_app.command("teacher", help="Send a teacher: its weights, config and card.")
def _push_teacher(
    name: TeacherName,
    repo: Repo,
    *,
    public: Public = False,
    home: Home = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.hub_push import Sending, push_model

    sending = Sending(repo, home, is_public=public, is_dry=dry_run, as_json=as_json)
    push_model("teacher", name, sending)


def _pulling(kind: Literal["pairs", "student", "teacher"]) -> Callable[..., None]:
    """The command that brings such things."""

    def pull(
        place: NameAndRepo,
        revision: Revision = "",
        home: Home = "",
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        from flows.commands.hub_pull import pull_thing

        pull_thing(kind, place, home, revision=revision, is_dry=dry_run, as_json=as_json)

    return pull


pull_app.command("pairs", help="Bring a set of pairs. What is there already isn't brought again.")(
    _pulling("pairs")
)
pull_app.command("student", help="Bring a student, ready for 'kdm sample' and training code.")(
    _pulling("student")
)
pull_app.command("teacher", help="Bring a teacher, which recipes then name with --teacher.")(
    _pulling("teacher")
)
