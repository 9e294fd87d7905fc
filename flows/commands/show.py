"""`kdm show`: recipes, every default resolved."""

import json
from collections.abc import Sequence

import typer
import yaml

from flows.commands.table import aligned
from flows.recipe import load_recipe, recipe_names


def show(recipe: str, *, count: int | None, overrides: Sequence[str], as_json: bool) -> None:
    """Print one recipe as YAML or JSON; either can be given back to `kdm run`."""
    document = load_recipe(recipe, overrides=overrides, count=count).document()
    if as_json:
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        typer.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip())


def list_recipes(*, as_json: bool) -> None:
    """Print the names and titles of the recipes that come with the project."""
    titles = {name: load_recipe(name).title for name in recipe_names()}
    if as_json:
        typer.echo(json.dumps(titles, indent=1, ensure_ascii=False))
    else:
        typer.echo(aligned([["recipe", "title"], *([*each] for each in titles.items())]))
