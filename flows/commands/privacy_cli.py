"""The commands `kdm privacy …`: what filters find, and what can be told from a student."""

from typing import Annotated, Any, Literal

import typer

from flows.commands.option_types import MOST_SAMPLES, AsJson, DryRun, Home, StudentName, whole
from flows.commands.recipe_options import Recipe, takes
from flows.request import Request

_MOST_AUDITED = 10**6  # samples

privacy_app = typer.Typer(
    help="Try filters on planted copies, and audit students.",
    no_args_is_help=True,
)


@privacy_app.command(
    "test",
    help="Plant copies of real pictures and see which ones the filters find.",
)
@takes("device", "dry_run", "as_json")
def _test(
    recipe: Recipe,
    planted: Annotated[
        int,
        typer.Option(
            "--planted",
            parser=whole(1, MOST_SAMPLES),
            metavar="N",
            help="Copies of each transform.",
        ),
    ] = 200,
    own: Annotated[
        int,
        typer.Option(
            "--own",
            parser=whole(1, MOST_SAMPLES),
            metavar="N",
            help="Pairs of the set that are judged beside them.",
        ),
    ] = 2000,
    seed: Annotated[
        int,
        typer.Option("--seed", parser=whole(0, 2**32 - 1000), metavar="N", help="Of the copies."),
    ] = 0,
    transforms: Annotated[
        Literal["usual", "more", "all"],
        typer.Option(
            "--transforms",
            help="What is done to the copies: the usual list, or those that no filter was chosen by.",
        ),
    ] = "usual",
    **options: Any,
) -> None:
    from flows.commands.privacy_test import dry_test, privacy_test

    as_json, is_dry = options.pop("as_json"), options.pop("dry_run")
    request = Request(recipe, until="generate-pairs", **options)
    if is_dry:
        dry_test(request, as_json=as_json)
        return
    privacy_test(request, planted, own, seed, transforms=transforms, as_json=as_json)


@privacy_app.command("audit", help="What of the training set can be told from a student.")
def _audit(
    student: StudentName,
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="PATH",
            help="The pictures that the teacher was trained on, if not where the recipe says.",
        ),
    ] = "",
    count: Annotated[
        int,
        typer.Option(
            "--count", parser=whole(20, _MOST_AUDITED), metavar="N", help="Samples of each kind."
        ),
    ] = 5_000,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Also write scores, indices and the nearest pairs, for you alone.",
        ),
    ] = False,
    *,
    home: Home = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.privacy_audit import Wanted, audit_student

    wanted = Wanted(reference, count, device, private, dry_run)
    audit_student(student, home, wanted, as_json=as_json)
