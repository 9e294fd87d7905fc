"""Where a set comes from: what only its card says."""

from collections.abc import Mapping
from typing import NamedTuple

from flows.config.filter_rules import stated_claim
from flows.config.recipe import Recipe
from kdm.differential_privacy import DifferentialPrivacy, stated_in
from kdm.licences import UNKNOWN, said_by
from kdm.report.existing_card import front_of
from storage.folders import Folder
from storage.spec_file import read_spec


class Origin(NamedTuple):
    """What only a set's card says. It's in no digest."""

    teacher: str
    licence: str
    differential_privacy: DifferentialPrivacy | None  # that is stated of the teacher


def origin_of_card(folder: Folder) -> Origin:
    """What the existing card says; without one, the kind of teacher that the spec names."""
    front = front_of(folder)
    teacher = read_spec(folder).get("teacher")
    nameless = "an unknown teacher (imported)"
    if isinstance(teacher, Mapping):
        nameless = str(teacher["plugin"]["plugin"])
    return Origin(str(front.get("teacher", nameless)), said_by(front), stated_in(front))


def origin_of_recipe(recipe: Recipe, folder: Folder) -> Origin:
    """What the recipe says of its pairs; a licence or claim that it doesn't know is the existing card's."""
    teacher = recipe.teacher.name if recipe.teacher else "an unknown teacher (imported)"
    licence = recipe.licence()
    old, claim = origin_of_card(folder), stated_claim(recipe.teacher, recipe.pairs)
    return Origin(
        teacher,
        old.licence if licence == UNKNOWN else licence,
        claim or old.differential_privacy,
    )
