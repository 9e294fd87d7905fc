"""A filter of `drop_at_write` fitted again, on the data set of a recipe that is known here."""

from collections.abc import Iterator
from contextlib import suppress

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.recipe_files import recipe_names
from flows.documents.remembered_runs import known_runs
from kdm.datasets import DataSet
from pairgen.filters.digests import reference_digest
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge, fit_judge
from storage.digest import short
from storage.folders import Folder


def judge_again(rule: DropRule, home: Folder) -> Judge:
    """The filter, fitted on the data set that the rule names; a ValueError if no known recipe has it."""
    if not rule.filter.needs_reference:
        return fit_judge(rule.filter)
    unread: list[str] = []
    for dataset in _data_sets(home):
        try:
            reference = dataset.train()
        except ValueError as error:  # these pictures are gone; another data set may fit
            unread.append(f" (not read: {error})")
            continue
        if reference_digest(reference) == rule.reference:
            return fit_judge(rule.filter, reference)
    raise ValueError(
        f"no known recipe has the data set (reference {short(rule.reference)}…) of "
        f"filter '{rule.filter.plugin}'{''.join(unread)}; remove the audit with the record and "
        "run generate-pairs"
    )


def _data_sets(home: Folder) -> Iterator[DataSet]:
    seen: set[DataSet] = set()
    recipes = [known.run.recipe for known in known_runs(home)]
    for recipe in [*recipes, *_own_recipes()]:
        if recipe.dataset is not None and recipe.dataset not in seen:
            seen.add(recipe.dataset)
            yield recipe.dataset


def _own_recipes() -> Iterator[Recipe]:
    """The project's own recipes that need no teacher's or file's name."""
    for name in recipe_names():
        with suppress(ValueError):
            yield load_recipe(name)
