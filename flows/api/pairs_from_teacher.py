"""Generates pairs from a teacher: a stored one by its name, or an object of the program's own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.api.pair_set import PairSet, open_pairs
from flows.api.python_run import laid_over, run_of, torch_as_before
from flows.care.remake import Remaker
from flows.care.spot_check import spot_check_with
from flows.home import home_folder
from flows.stage import Run
from flows.stages.pair_spec import pair_spec
from flows.stages.sequence import run_stages
from kdm.licences import UNKNOWN
from pairgen.recommended import recommended_sampler
from pairgen.spec import PairSpec
from pairgen.teachers.imported_name import default_name
from pairgen.teachers.plugin import weights_digest
from pairgen.teachers.teacher import load_teacher
from pairgen.teachers.teacher_object import TeacherObject
from storage.errors import MismatchError
from storage.plugins import describe
from storage.store import PairStore

if TYPE_CHECKING:
    from pairgen.field import Teacher

LAYOUT = "wds-1024"
_NUM_COMPARED = 4  # pairs of a set that is there already


def generate_pairs(
    teacher: "Teacher | str",
    name: str,
    *,
    train: int,
    heldout: int = 1024,
    shape: tuple[int, ...] | None = None,
    num_classes: int = 0,
    settings: Mapping[str, Any] | None = None,
    home: str = "",
) -> PairSet:
    """Make the pairs of this teacher that the set `name` lacks, and open its training split.

    `teacher` is an object of a class that derives from `kdm.Teacher`, whose samples have this `shape` and,
    if any, so many classes; or a stored teacher's name, folder or checkpoint, which says both itself.
    `train` and `heldout` count indices; shards hold 1,024 of them, and are made whole. `settings` are those
    of a recipe's `pairs` (docs/recipes.md), by place: {"sampler.num_steps": 8, "pairs.noise.seed": 1}. `home`
    is $KDM_HOME or ./kdm-home by default.

    Called again, it makes only what is missing. Raises a ValueError or a StoreError.
    """
    where = home_folder(home)
    document = _document(teacher, name, shape, num_classes)
    own = {"train": train, "heldout": heldout, "layout": LAYOUT}
    document["pairs"] |= own
    laid_over(document["pairs"], settings, "generate_pairs")
    with torch_as_before():
        run = run_of(document, where, what="generate_pairs")
        if not isinstance(teacher, str):
            _require_same_teacher(run)
        made = run_stages(run, until="generate-pairs")[-1]
    pairs = run.recipe.pairs
    return open_pairs(made.folder, count=pairs.train, layout=pairs.layout, masks=None)


def _document(
    teacher: "Teacher | str", name: str, shape: tuple[int, ...] | None, num_classes: int
) -> dict[str, Any]:
    """A recipe of one stage."""
    pairs: dict[str, Any] = {"kind": "generated", "name": name, "pairs": {}}
    document = {"name": default_name(str(name)), "title": f"The pairs {name}", "pairs": pairs}
    if isinstance(teacher, str):
        if shape is not None or num_classes:
            raise ValueError(
                f"teacher '{teacher}' is stored, and says itself what shape and classes its samples have; "
                "leave shape and num_classes out"
            )
        return {**document, "teacher": {"stored": teacher}}
    plugin = TeacherObject.of(teacher, num_classes)
    if shape is None:
        raise ValueError(
            f"teacher {plugin.name} is an object, which doesn't say what it makes; give the shape of one "
            "sample, as in shape=(1, 8, 8)"
        )
    pairs["pairs"] = {"shape": list(shape), "noise": {"scale": plugin.noise_scale}}
    if num_classes:
        pairs["pairs"]["label"] = {"rule": "cycle", "num_classes": num_classes}
    pairs["sampler"] = describe(recommended_sampler(plugin.noise_scale, tuple(shape)))
    pairs["num_workers"] = 1  # a foreign object may not be for several threads
    named = default_name(plugin.name)
    return {**document, "teacher": {"name": named, "model": plugin, "license": UNKNOWN}}


def _require_same_teacher(run: Run) -> None:
    """A `MismatchError` if pairs that are there already aren't what this object makes.

    The name of the set doesn't cover an object's code.
    """
    teacher, pairs = run.recipe.teacher, run.recipe.pairs
    assert teacher is not None  # the document has one
    weights = weights_digest(teacher.model, None)
    spec = pair_spec(run, weights=weights)
    store = PairStore.planned(
        run.pairs_folder(pairs.name, spec.digest()),
        spec.document(),
        split="train",
        layout=pairs.layout,
    )
    if not store.base.exists("records") or not store.ledger.sizes():
        return
    built = load_teacher(teacher.model, spec.pairs.shape, weights=None, digest=weights)
    found = spot_check_with(_remaker(spec, built, store), store, num_pairs=_NUM_COMPARED, seed=0)
    if not found.is_within:
        raise MismatchError(
            f"{store.folder.url} holds other pairs than teacher {teacher.name} makes now: pair "
            f"{found.worst_index} differs by {found.max_deviation:.3g}, and rounding by at most "
            f"{found.tolerance:.3g}. Give its class another `version`, or the set another name"
        )


def _remaker(spec: PairSpec, teacher: "Teacher", store: PairStore) -> Remaker:
    return Remaker(spec, teacher, {}, store.shard_size)
