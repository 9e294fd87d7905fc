"""Measures a student beside its teacher: one that was trained here, or any function of the program's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from flows.api.arguments import Named, options, shown, stage_device, unknown, whole
from flows.api.loaded_student import TrainedStudent
from flows.api.own_student import as_student
from flows.api.places import home_around
from flows.api.python_run import run_of, torch_as_before
from flows.api.set_document import document_of, training_pairs
from flows.documents.evaluated_samples import teacher_samples
from flows.stages.sequence import run_stages
from kdm.evaluate.evaluate import evaluate_student as measured
from kdm.evaluate.evaluate import meanings_of
from kdm.metrics.metric import Meaning

if TYPE_CHECKING:
    from flows.api.pair_set import PairSet

# Those of any pairs that need nothing beside them, and two for points.
_USUAL = ("paired", "variance", "sliced-wasserstein")
_OF_POINTS = ("cells", "outliers")
_MOST_FRESH = 10**8
_EXAMPLE = "{'plugin': 'paired'}"


@dataclass(frozen=True)
class Evaluation:
    """Numbers of a student by name, and of its teacher in the student's place: no student need do better.

    `intervals` are of 95 %, for numbers that have them.
    """

    values: Mapping[str, float]  # the student's, by name
    floor: Mapping[str, float]  # the teacher's own, by name
    intervals: Mapping[str, tuple[float, float]]  # of 95 %: low and high, by name
    meanings: Mapping[str, Meaning]  # of each number: label, explanation, which way is better

    def __getitem__(self, name: str) -> float:
        """The student's number of this name; a KeyError that says which there are."""
        if name in list(self.values):
            return self.values[name]
        raise KeyError(unknown("no number", name, self.values))

    def __str__(self) -> str:
        """A table: number, student, teacher."""
        rows = [("", "student", "teacher")]
        for name, value in self.values.items():
            rows.append((self.meanings[name].label, f"{value:.4g}", f"{self.floor[name]:.4g}"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            f"{label:<{widths[0]}}  {own:>{widths[1]}}  {teachers:>{widths[2]}}"
            for label, own, teachers in rows
        )


def evaluate_student(
    student: TrainedStudent | Callable[..., Tensor],
    pairs: "PairSet | Named",
    *,
    metrics: Sequence[str | Mapping[str, Any]] | str | None = None,
    num_fresh: int = 1024,
    dataset: Mapping[str, Any] | None = None,
    device: str = "auto",
    home: Named = "",
) -> Evaluation:
    """The numbers of a student on the set's held-out pairs and on so much fresh noise; nothing is stored.

    `student` is what `train_student` or `load_student` returned, or any function of (x_T), or of (x_T, label)
    if the pairs have classes, that gives x_0: a `torch.nn.Module` too, which is measured in eval mode and
    without gradients. `metrics` are names or options (docs/evaluation.md), by default those that need
    nothing but pairs; some need a `dataset`, as a recipe describes it. Raises a ValueError or a StoreError.
    """
    whole("num_fresh", num_fresh, 2, _MOST_FRESH)
    stage_device(device)
    chosen = None if metrics is None else _chosen(metrics)
    found = training_pairs(pairs, home)
    measurable = as_student(student, found)
    document = document_of(found)
    document["evaluation"] = {"metrics": chosen or _usual(found.shape), "num_fresh": num_fresh}
    if dataset is not None:
        document["dataset"] = dict(options("dataset", dataset, "{'kind': 'digits'}"))
    where = home_around(found.url, home)
    with torch_as_before():
        run = run_of(document, where, what="evaluate_student", device=device)
        run.recipe.require_measurable()
        judged = run_stages(run, until="filter-pairs")[-1]
        evaluation = run.recipe.evaluation
        numbers = measured(measurable, teacher_samples(run, judged), options=evaluation)
    intervals = {name: (low, high) for name, (low, high) in numbers.get("intervals", {}).items()}
    meanings = meanings_of(evaluation.metrics)
    return Evaluation(numbers["values"], numbers["floor"], intervals, meanings)


def _chosen(metrics: object) -> list[str | Mapping[str, Any]]:
    """Metrics by name or by their options; one alone is a list of one."""
    several = [metrics] if isinstance(metrics, str | Mapping) else metrics
    if not isinstance(several, list | tuple) or not several:
        raise ValueError(
            f"metrics is {shown(metrics)}; it must be a list of names, or of options as in {_EXAMPLE}"
        )
    return [
        each if isinstance(each, str) else options("metrics", each, _EXAMPLE) for each in several
    ]


def _usual(shape: tuple[int, ...]) -> tuple[str, ...]:
    return (*_OF_POINTS[:1], *_USUAL, *_OF_POINTS[1:]) if shape == (2,) else _USUAL
