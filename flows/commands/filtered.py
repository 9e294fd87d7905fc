"""`kdm filter-pairs`: the stages, then what was dropped, as a table, a page and on demand a private page."""

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from flows.commands.audit_answer import policy_warning
from flows.commands.run import made, say_results
from flows.commands.typed_words import typed_words
from flows.request import Request
from flows.table import aligned
from flows.terminal import Terminal
from flows.verbosity import warn
from storage.folders import Folder

if TYPE_CHECKING:
    from flows.config.recipe import Recipe

_OF_THIS_COMMAND = (
    "--direct",
    "--private",
)  # options that other commands lack, and change no number


def filter_pairs(request: Request, *, is_direct: bool, is_private: bool, as_json: bool) -> None:
    """Filter the pairs of a request; what is missing of the pages is written then."""
    if is_private:
        _require_filters(request.run().recipe)
    checked, results = made(request, flow="filter-pairs", is_direct=is_direct)
    if not checked.recipe.filters:
        if as_json:
            say_results(results)
        return
    from flows.documents.filtered_files import PAGE, PRIVATE
    from flows.filter_pages import Commands, private_page, public_page

    commands = Commands(_typed("filter-pairs"), _typed("privacy test"))
    with Terminal() as terminal:
        shown = replace(checked, report=terminal.report)
        folder, document = public_page(shown, results[-1], commands)
        if is_private:
            private_page(shown, results[-1], folder)
    if as_json:
        private = f"{(folder / PRIVATE).url}/{PAGE}" if is_private else None
        pages = {"page": f"{folder.url}/{PAGE}", "private_page": private}
        say_results(results, {**pages, **document})
    else:
        _tell(folder, document, is_private=is_private)
    if is_private and (warning := policy_warning(folder)):
        warn(warning)


def _tell(folder: Folder, document: dict[str, Any], *, is_private: bool) -> None:
    from flows.documents.filtered_files import PAGE, PRIVATE
    from kdm.report.filtered_page import dropped_lines

    typer.echo(f"\n{aligned(dropped_lines(document))}\n")
    typer.echo(f"page: {folder.url}/{PAGE}")
    if is_private:
        where = f"{(folder / PRIVATE).url}/{PAGE}"
        typer.echo(f"private page: {where}: single samples and their scores; keep it with the data")


def _require_filters(recipe: "Recipe") -> None:
    """Before any pair is made."""
    if not recipe.filters:
        raise ValueError(
            f"'{recipe.name}' has no filters, so there is no dropped pair to show; give it some, as with "
            "--policy pictures"
        )


def _typed(command: str) -> str:
    """The command line, for this command or for another one that takes the same options."""
    words = [word for word in typed_words()[1:] if word not in _OF_THIS_COMMAND]
    return shlex.join(["kdm", *command.split(), *words])
