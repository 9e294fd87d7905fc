"""Loads a recipe: its file, then shorthands and overrides, then what the home knows.

Each step changes one plain document; only the last turns it into a `Recipe`, which validates everything.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flows.config.common_trackers import expand_trackers
from flows.config.finished_students import expand_finishes
from flows.config.found_pairs import complete_pairs
from flows.config.overrides import apply_override
from flows.config.policies import expand_policy, require_policy
from flows.config.recipe import Recipe
from flows.config.recipe_files import read_recipe
from flows.config.set_recipe import complete_reference, recipe_of_set
from flows.config.stored_teacher import complete as complete_teacher
from flows.config.wishes import with_wishes
from kdm.presets.presets import preset_names
from storage.folders import Folder
from storage.options import parse
from storage.redaction import require_no_secret

_LOG = logging.getLogger(__name__)

_STORED_PAIRS = "pairs.stored="
_POLICY = "filters.policy="
_RATE = "filters.fpr="
_METRICS = "evaluation.metrics"
_IN_FILES = (
    "image-folder",
    "image-tars",
    "arrays",
)  # kinds of data sets that are read from a source
_MADE_HERE = ("checkerboard", "digits")  # kinds that need no file


def load_recipe(
    recipe: str,
    *,
    overrides: Iterable[str] = (),
    count: int | None = None,
    home: Folder | None = None,
    students: Collection[str] = (),
) -> Recipe:
    """A recipe by name, or by the path of a YAML file, with overrides on top; or that of a set.

    `count` is the number of training indices. Of `students` those that the recipe does not list may
    be presets. Stored pairs or a stored teacher come from the home, and so does what the recipe
    doesn't say about its pairs. Raises ValueError with every fault.
    """
    of_set = None if home is None else recipe_of_set(recipe, home)
    document = read_recipe(recipe) if of_set is None else of_set
    changes = [*overrides]
    kind = "file" if of_set is None else "stored set"
    _LOG.info("recipe '%s' is read from a %s; changed: %s", recipe, kind, changes or "nothing")
    _lay_over(document, changes, students)
    require_no_secret(document, f"recipe '{recipe}'")  # it is stored with what is made
    if count is not None:
        _set_count(document, count)
    if of_set is not None and home is not None:
        complete_pairs(document, home)
        complete_reference(document)
    _require_data(document, recipe)
    if home is not None:
        _complete(document, home)
    return with_wishes(parse(Recipe, document, f"recipe '{recipe}'"))


def _set_count(document: dict[str, Any], count: int) -> None:
    pairs = document.get("pairs")
    if isinstance(pairs, Mapping) and pairs.get("kind") == "imported":
        raise ValueError(
            f"count is {count}, but imported pairs cannot grow; "
            "choose rows with --set 'pairs.train_rows=[FIRST, END]'"
        )
    apply_override(document, f"pairs.train={count}")


def _require_data(document: Mapping[str, Any], recipe: str) -> None:
    dataset = document.get("dataset")
    if not isinstance(dataset, Mapping):
        return
    if "source" in dataset and "kind" not in dataset:
        raise ValueError(
            f"recipe '{recipe}' reads no real data, so --data has no effect; add its "
            "kind and shape: --set dataset.kind=image-folder --set 'dataset.shape=[3, 32, 32]'"
        )
    if dataset.get("kind") in _IN_FILES and not dataset.get("source"):
        raise ValueError(
            f"recipe '{recipe}' reads real data of kind {dataset['kind']}: name them with --data PATH"
        )
    if dataset.get("kind") in _MADE_HERE and "source" in dataset:
        raise ValueError(
            f"the data of recipe '{recipe}' are '{dataset['kind']}', which needs no file; leave "
            "--data out"
        )


def _lay_over(
    document: dict[str, Any], overrides: Iterable[str], students: Collection[str]
) -> None:
    """Change the document in place: pairs, then presets, then overrides.

    Pairs that are named take the place of the recipe's, all of them; a student that the recipe does
    not have may be a preset.
    """
    asked = list(overrides)
    if any(each.startswith(_STORED_PAIRS) for each in asked):
        _require_no_teacher(asked)
        document["pairs"] = {}
    names_policy = any(each.startswith(_POLICY) for each in asked)
    if names_policy:
        document["filters"] = {}
    _add_presets(document, students)
    for override in asked:
        if override.startswith(_RATE) and not names_policy:
            require_policy(document)
        apply_override(document, override)
    expand_policy(document)
    expand_trackers(document)
    expand_finishes(document)
    if any(each.startswith(_METRICS) for each in asked):  # who says which gets these, or an error
        document["evaluation"].pop("where_files_are", None)


def _complete(document: dict[str, Any], home: Folder) -> None:
    """Fill in what the home knows of stored pairs or a stored teacher."""
    complete_pairs(document, home)
    complete_teacher(document, home)


def _require_no_teacher(asked: list[str]) -> None:
    if any(each.startswith("teacher.") for each in asked):
        raise ValueError(
            "--pairs names existing pairs, which need no teacher: remove the teacher's options, or "
            "leave out --pairs"
        )


def _add_presets(document: dict[str, Any], students: Collection[str]) -> None:
    listed = document.get("students") or []
    if not isinstance(listed, list):
        return  # the recipe's validation reports it, with all other faults
    known = [each.get("name") for each in listed if isinstance(each, dict)]
    added = [name for name in students if name not in known and name in preset_names()]
    if added:
        document["students"] = [*listed, *({"name": name, "preset": name} for name in added)]
