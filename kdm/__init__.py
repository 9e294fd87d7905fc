"""From stored pairs to a student: networks, objectives, training, evaluation and the report.

`import kdm` also offers the functions and classes of docs/python.md, which last; everything else here and
in the other packages may change. They are built on all of the packages, above this one, so that this
file names their places as texts: a name is imported when it is first used, and torch with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.api.loaded_student import TrainedStudent, load_student
    from flows.api.measured_student import Evaluation, evaluate_student
    from flows.api.pair_batches import PairBatches
    from flows.api.pair_set import PairSet, open_pairs
    from flows.api.pair_tensors import PairTensors
    from flows.api.pairs_from_teacher import generate_pairs
    from flows.api.recipe_run import RecipeRun, run_recipe
    from flows.api.student_training import train_student
    from pairgen.field import Teacher
    from storage.errors import DamageError, StoreError

    __version__: str

__all__ = [
    "DamageError",
    "Evaluation",
    "PairBatches",
    "PairSet",
    "PairTensors",
    "RecipeRun",
    "StoreError",
    "Teacher",
    "TrainedStudent",
    "__version__",
    "evaluate_student",
    "generate_pairs",
    "load_student",
    "open_pairs",
    "run_recipe",
    "train_student",
]

_PLACES = {
    "DamageError": "storage.errors",
    "Evaluation": "flows.api.measured_student",
    "PairBatches": "flows.api.pair_batches",
    "PairSet": "flows.api.pair_set",
    "PairTensors": "flows.api.pair_tensors",
    "RecipeRun": "flows.api.recipe_run",
    "StoreError": "storage.errors",
    "Teacher": "pairgen.field",
    "TrainedStudent": "flows.api.loaded_student",
    "evaluate_student": "flows.api.measured_student",
    "generate_pairs": "flows.api.pairs_from_teacher",
    "load_student": "flows.api.loaded_student",
    "open_pairs": "flows.api.pair_set",
    "run_recipe": "flows.api.recipe_run",
    "train_student": "flows.api.student_training",
}


def __getattr__(name: str) -> Any:
    """What `kdm` offers under this name, imported now (PEP 562)."""
    if name == "__version__":
        found = _version()
    elif name in _PLACES:
        found = getattr(import_module(_PLACES[name]), name)
    else:
        raise AttributeError(_unknown(name), name=name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)


def _version() -> str:
    from importlib.metadata import version

    return version("kdm-offline")


def _unknown(name: str) -> str:
    from storage.did_you_mean import nearest

    return f"kdm offers no '{name}'; {nearest(name, list(_PLACES))}"
