"""The commands `kdm privacy …`: what filters find, and what can be told from a student."""

from typing import Annotated, Any

import typer

from flows.commands.option_types import MOST_SAMPLES, whole
from flows.commands.recipe_options import Recipe, takes
from flows.request import Request

privacy_app = typer.Typer(
    help="Try filters on planted copies of real pictures.",
    no_args_is_help=True,
)


@privacy_app.command(
    "test",
    help="Plant copies of real pictures beside a set and see which of them the filters find.",
)
@takes("device")
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
    **options: Any,
) -> None:
    from flows.commands.privacy_test import privacy_test

    privacy_test(Request(recipe, until="generate-pairs", **options), planted, own, seed)
