"""A student's numbers beside its teacher's floor, as a document that a repeated run reproduces."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.evaluate.metric import Meaning, Metric
from kdm.evaluate.options import EvaluationOptions
from kdm.evaluate.samples import EvaluationSamples
from kdm.students.student import Student


def evaluate_student(
    student: Student, teacher: TeacherSamples, *, options: EvaluationOptions
) -> dict[str, Any]:
    """Draw the student's samples and measure them; see `measure_samples`."""
    return measure_samples(draw_samples(student, teacher, options=options), options)


def measure_samples(samples: EvaluationSamples, options: EvaluationOptions) -> dict[str, Any]:
    """The metrics document: `values` and `floor` by number, and all that determined them."""
    require_distinct(options.metrics)
    values: dict[str, float] = {}
    floor: dict[str, float] = {}
    for metric in options.metrics:
        values |= metric.measure(samples)
        floor |= metric.floor(samples)
    return {
        "values": values,
        "floor": floor,
        "num_heldout": samples.num_heldout,
        "num_fresh": samples.num_fresh,
        "options": options.model_dump(mode="json"),
    }


def meanings_of(metrics: Iterable[Metric]) -> Mapping[str, Meaning]:
    """What every number of these metrics means, in their order."""
    return {name: meaning for metric in metrics for name, meaning in metric.meanings.items()}


def require_distinct(metrics: Iterable[Metric]) -> None:
    """Raise a ValueError where two metrics give a number of one name: one would hide the other."""
    names = Counter(name for metric in metrics for name in metric.meanings)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise ValueError(f"two metrics give {', '.join(twice)}; take each metric once")
