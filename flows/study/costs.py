"""Numbers of a student that no metric gives: its size, and what training and sampling cost here.

Times are CPU seconds of this machine, of which other work changes little; a repeated run doesn't reproduce
them. Sizes are exact.
"""

from collections.abc import Mapping

from flows.config.student_recipe import StudentRecipe
from flows.documents.timings import read_timings
from flows.stage import StageResult
from kdm.metrics.metric import Meaning
from kdm.trained import read_config
from kdm.training.options import TrainingOptions
from storage.folders import Folder
from storage.options import parse
from storage.records import PairSchema

COSTS: Mapping[str, Meaning] = {
    "parameters_trained": Meaning(
        "parameters trained", "of all networks but a critic", "lower", "heldout", is_ranked=False
    ),
    "parameters_used": Meaning(
        "parameters used", "those that sampling needs", "lower", "heldout", is_ranked=False
    ),
    "samples_seen": Meaning(
        "samples seen",
        "in the whole training, one twice if it comes twice",
        "lower",
        "heldout",
        is_ranked=False,
    ),
    "training_seconds": Meaning(
        "training, CPU s", "CPU seconds of the whole training", "lower", "heldout", is_ranked=False
    ),
    "step_milliseconds": Meaning(
        "a step, CPU ms", "CPU milliseconds of a training step", "lower", "heldout", is_ranked=False
    ),
    "training_flops": Meaning(
        "training FLOPs",
        "of the whole training; a multiplication and addition are two, eigendecompositions aren’t counted",
        "lower",
        "heldout",
        is_ranked=False,
    ),
    "sample_flops": Meaning("FLOPs a sample", "counted alike", "lower", "fresh", is_ranked=False),
    "sample_microseconds": Meaning(
        "a sample, CPU µs", "CPU microseconds of a sample", "lower", "fresh", is_ranked=False
    ),
}


_NOT_OPTIONS = ("plugin", "version")
FLOPS = frozenset({"sample_flops", "training_flops"})


def flops_of(student: StudentRecipe, folder: Folder) -> dict[str, float]:
    """FLOPs of a trained student's sample and of its whole training; counting takes seconds."""
    from kdm.flops import sample_flops, training_flops  # torch, and its compiler

    config = read_config(folder)
    assert config is not None  # its training has ended
    schema = parse(PairSchema, config["schema"], f"{folder.url}/config.json: schema")
    # With the options that training added to the recipe's.
    options = {name: each for name, each in config["model"].items() if name not in _NOT_OPTIONS}
    model = parse(type(student.model), options, f"{folder.url}/config.json: model")
    return {
        "sample_flops": float(sample_flops(model, schema).total),
        "training_flops": float(training_flops(model, schema, student.training).total),
    }


def costs_of(student: StageResult, training: TrainingOptions) -> dict[str, float]:
    """Those that are known; times are missing where a student was trained elsewhere."""
    parameters = student.facts["parameters"]
    timings = read_timings(student.place)
    found = {
        "parameters_trained": parameters["trainable"],
        "parameters_used": parameters["inference"],
        "samples_seen": training.num_steps * training.batch_size,
        "training_seconds": timings.get("cpu_seconds"),
        "step_milliseconds": _times(1e3, timings.get("cpu_seconds_per_step")),
        "sample_microseconds": _over(
            1e6, timings.get("sampling", {}).get("samples_per_cpu_second")
        ),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


def _over(factor: float, value: float | None) -> float | None:
    return None if not value else factor / value
