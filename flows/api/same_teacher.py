"""Whether the object that is to add pairs to a set is the one that made those that are there."""

from flows.care.remake import Remaker
from flows.care.spot_check import spot_check_with
from flows.stage import Run
from flows.stages.pair_spec import pair_spec
from pairgen.teachers.plugin import weights_digest
from pairgen.teachers.teacher import load_teacher
from storage.errors import MismatchError
from storage.store import PairStore

_NUM_COMPARED = 4  # pairs


def require_same_teacher(run: Run) -> None:
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
    found = spot_check_with(
        Remaker(spec, built, {}, store.shard_size), store, num_pairs=_NUM_COMPARED, seed=0
    )
    if not found.is_within:
        raise MismatchError(
            f"{store.folder.url} holds other pairs than teacher {teacher.name} makes now: pair "
            f"{found.worst_index} differs by {found.max_deviation:.3g}, and rounding by at most "
            f"{found.tolerance:.3g}. Give its class another `version`, or the set another name"
        )
