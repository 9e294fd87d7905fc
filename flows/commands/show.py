"""`kdm show`: prints recipes with every default resolved."""

import typer

from flows.config.recipe_files import recipe_titles
from flows.request import Request
from flows.table import aligned, say_document
from storage.yaml_text import yaml_text


def show(request: Request, *, as_json: bool) -> None:
    """Print one recipe as YAML or JSON; `kdm run` accepts either."""
    document = request.run().recipe.document()
    if as_json:
        say_document(document)
    else:
        typer.echo(yaml_text(document).rstrip())


def list_recipes(*, as_json: bool) -> None:
    """Print the names and titles of the project's recipes."""
    titles = recipe_titles()
    if as_json:
        say_document(titles)
    else:
        typer.echo(aligned([["recipe", "title"], *([*each] for each in titles.items())]))
