"""The files of recipes: those that come with the project, and the user's own; read without torch."""

from importlib.resources import files
from typing import Any

from flows.config.shipped_names import shipped_names
from storage.did_you_mean import nearest
from storage.folders import local_file
from storage.yaml_text import read_mapping


def recipe_names() -> list[str]:
    """The recipes that come with this project."""
    return shipped_names("flows.recipes")


def recipe_titles() -> dict[str, str]:
    """Their titles, also of those that a teacher or data must be named for."""
    return {name: str(read_recipe(name).get("title", "")) for name in recipe_names()}


def read_recipe(recipe: str) -> dict[str, Any]:
    """The document of a recipe, as its file says it; a ValueError without such a recipe."""
    if recipe in recipe_names():
        text = (files("flows.recipes") / f"{recipe}.yaml").read_bytes()
    elif (
        recipe.endswith((".yaml", ".yml"))
        and (path := local_file(recipe, "a recipe's file")).is_file()
    ):
        text = path.read_bytes()
    else:
        raise ValueError(
            f"no recipe '{recipe}'; {nearest(recipe, recipe_names())} (or the path of a .yaml file)"
        )
    return read_mapping(text, f"recipe '{recipe}'")
