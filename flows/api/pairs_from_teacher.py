"""Generates pairs from a teacher: a stored one by its name, or an object of the program's own."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.api.arguments import MOST, Named, laid_over, new_name, place, shown, sizes, whole
from flows.api.pair_set import PairSet, open_pairs
from flows.api.places import home_named
from flows.api.python_run import run_of, torch_as_before
from flows.api.same_teacher import require_same_teacher
from flows.stages.sequence import run_stages
from kdm.licences import UNKNOWN
from pairgen.recommended import recommended_sampler
from pairgen.teachers.imported_name import default_name
from pairgen.teachers.teacher_object import TeacherObject
from storage.plugins import describe

if TYPE_CHECKING:
    from pairgen.field import Teacher

LAYOUT = "wds-1024"


def generate_pairs(
    teacher: "Teacher | Named",
    name: str,
    *,
    train: int,
    heldout: int = 1024,
    shape: tuple[int, ...] | None = None,
    num_classes: int = 0,
    settings: Mapping[str, Any] | None = None,
    home: Named = "",
) -> PairSet:
    """Make the pairs of this teacher that the set `name` lacks, and open its training split.

    `teacher` is an object of a class that derives from `kdm.Teacher`, whose samples have this `shape` and,
    if any, so many classes; or a stored teacher's name, folder or checkpoint, which says both itself.
    `train` and `heldout` count indices; shards hold 1,024 of them, and are made whole. `settings` are those
    of a recipe's `pairs` (docs/recipes.md), by place: {"sampler.num_steps": 8, "pairs.noise.seed": 1}. `home`
    is $KDM_HOME or ./kdm-home by default.

    Called again, it makes only what is missing. Raises a ValueError or a StoreError.
    """
    where = home_named(home)
    own = {"train": whole("train", train, 1, MOST), "heldout": whole("heldout", heldout, 1, MOST)}
    whole("num_classes", num_classes, 0, MOST)
    document = _document(teacher, new_name("name", name), shape, num_classes)
    document["pairs"] |= {**own, "layout": LAYOUT}
    laid_over(document["pairs"], settings, "generate_pairs")
    with torch_as_before():
        run = run_of(document, where, what="generate_pairs")
        if not isinstance(teacher, str | os.PathLike):
            require_same_teacher(run)
        made = run_stages(run, until="generate-pairs")[-1]
    pairs = run.recipe.pairs
    return open_pairs(made.folder, count=pairs.train, layout=pairs.layout, masks=None)


def _document(
    teacher: "Teacher | Named", name: str, shape: tuple[int, ...] | None, num_classes: int
) -> dict[str, Any]:
    """A recipe of one stage."""
    pairs: dict[str, Any] = {"kind": "generated", "name": name, "pairs": {}}
    document = {"name": default_name(name), "title": f"The pairs {name}", "pairs": pairs}
    if isinstance(teacher, str | os.PathLike):
        stored = place("teacher", teacher)
        if shape is not None or num_classes:
            raise ValueError(
                f"teacher {shown(stored)} is stored, and says itself what shape and classes its samples "
                "have; leave shape and num_classes out"
            )
        return {**document, "teacher": {"stored": stored}}
    plugin = TeacherObject.of(teacher, num_classes)
    if shape is None:
        raise ValueError(
            f"shape is None, and teacher {plugin.name} is an object, which doesn't say what it makes; "
            "give the shape of one sample, as in shape=(1, 8, 8)"
        )
    shape = sizes("shape", shape)
    pairs["pairs"] = {"shape": list(shape), "noise": {"scale": plugin.noise_scale}}
    if num_classes:
        pairs["pairs"]["label"] = {"rule": "cycle", "num_classes": num_classes}
    pairs["sampler"] = describe(recommended_sampler(plugin.noise_scale, shape))
    pairs["num_workers"] = 1  # a foreign object may not be for several threads
    named = default_name(plugin.name)
    return {**document, "teacher": {"name": named, "model": plugin, "license": UNKNOWN}}
