"""Where a set comes from: what only its card says."""

from collections.abc import Mapping
from typing import NamedTuple

from flows.config.recipe import Recipe
from kdm.licences import UNKNOWN, said_by
from kdm.report.existing_card import front_of
from storage.folders import Folder
from storage.spec_file import read_spec


class Origin(NamedTuple):
    """What only a set's card says. It's in no digest."""

    teacher: str
    licence: str


def origin_of_card(folder: Folder) -> Origin:
    """What the existing card says; without one, the kind of teacher that the spec names."""
    front = front_of(folder)
    teacher = read_spec(folder).get("teacher")
    nameless = "an unknown teacher (imported)"
    if isinstance(teacher, Mapping):
        nameless = str(teacher["plugin"]["plugin"])
    return Origin(str(front.get("teacher", nameless)), said_by(front))


def origin_of_recipe(recipe: Recipe, folder: Folder) -> Origin:
    """What the recipe says of its pairs; a licence that it doesn't know is the existing card's."""
    teacher = recipe.teacher.name if recipe.teacher else "an unknown teacher (imported)"
    licence = recipe.licence()
    return Origin(teacher, origin_of_card(folder).licence if licence == UNKNOWN else licence)
