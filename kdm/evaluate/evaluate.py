"""A student's numbers beside its teacher's floor, as a document that a repeated run reproduces.

Each metric is computed four times: for the student (`values`), for the teacher in the student's
place (`floor`), for real pictures if a metric can (`real`), and for what resampled rows do to the
numbers (`deviations`, for comparing two students later). `metrics.json` holds this document.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kdm.evaluate.checked import deviations, floor_numbers, own_numbers, real_numbers
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.metrics.bootstrap import Estimate, packed
from kdm.metrics.metric import Meaning, Metric
from kdm.metrics.samples import EvaluationSamples
from storage.records import LabelRule

if TYPE_CHECKING:
    from kdm.datasets import DataSet
    from kdm.evaluate.draw import TeacherSamples
    from kdm.students.student import Student


def evaluate_student(
    student: "Student", teacher: "TeacherSamples", *, options: EvaluationOptions
) -> dict[str, Any]:
    """Draw the student's samples and measure them; see `measure_samples`."""
    from kdm.evaluate.draw import draw_samples  # torch: imported only to measure

    document = measure_samples(draw_samples(student, teacher, options=options), options)
    document |= teacher.views.described() if teacher.views else {}
    return document | (teacher.judge.described() if teacher.judge else {})


def measure_samples(samples: EvaluationSamples, options: EvaluationOptions) -> dict[str, Any]:
    """The metrics document: `values` and `floor` by number, and all that determined them.

    Metrics with intervals add them, `intervals` and `floor_intervals` as [low, high]; `real` is what
    held-out real samples score in the student's place, if a metric has that. `deviations` of
    resampled rows (`packed`) and `drawn_on`, the digest of the noise, let two students be compared.
    `protocols` say how numbers over a published network were measured (`Protocol`).
    """
    require_distinct(options.metrics)
    own, teachers, real = _Numbers(), _Numbers(), _Numbers()
    for metric in options.metrics:
        own.add(own_numbers(metric, samples))
        own.deviations.update(deviations(metric, samples))
        teachers.add(floor_numbers(metric, samples))
        real.add(real_numbers(metric, samples))
    document = {
        "values": own.values,
        "floor": teachers.values,
        "num_heldout": samples.num_heldout,
        "num_fresh": samples.num_fresh,
        "options": options.measured(),
    }
    parts: dict[str, Any] = {
        "intervals": own.intervals,
        "floor_intervals": teachers.intervals,
        "real": real.values,
        "real_intervals": real.intervals,
        "deviations": {name: packed(each) for name, each in own.deviations.items() if each},
        "protocols": protocols_of(options.metrics, samples, seed=options.seed),
    }
    if parts["deviations"]:
        document["drawn_on"] = samples.drawn_on()
    return document | {name: part for name, part in parts.items() if part}


def protocols_of(
    metrics: Iterable[Metric], samples: EvaluationSamples, *, seed: int
) -> dict[str, dict[str, Any]]:
    """How each number was measured, by name; only those that are meant to stand beside others'."""
    protocols = ((metric, metric.protocol(samples, seed=seed)) for metric in metrics)
    return {
        name: protocol.document()
        for metric, protocol in protocols
        if protocol is not None
        for name in metric.meanings
    }


@dataclass(frozen=True)
class _Numbers:
    """Numbers by name, with intervals and deviations of those that have any."""

    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, list[float]] = field(default_factory=dict)
    deviations: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def add(self, found: Mapping[str, Estimate] | Mapping[str, float]) -> None:
        """Take in a metric's numbers; those with an interval give three parts."""
        for name, number in found.items():
            if isinstance(number, Estimate):
                self.intervals[name] = [number.low, number.high]
                self.deviations[name] = number.deviations
                number = number.value
            self.values[name] = number


def meanings_of(metrics: Iterable[Metric]) -> Mapping[str, Meaning]:
    """What every number of these metrics means, in their order."""
    return {name: meaning for metric in metrics for name, meaning in metric.meanings.items()}


def needs_of(metrics: Iterable[Metric]) -> frozenset[str]:
    """What these metrics need beside samples (`Metric.needs`)."""
    return frozenset().union(*(metric.needs for metric in metrics))


def require_distinct(metrics: Iterable[Metric]) -> None:
    """Raise a ValueError if two metrics give a number of one name: one would hide the other."""
    names = Counter(name for metric in metrics for name in metric.meanings)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise ValueError(f"two metrics give {', '.join(twice)}; take each metric once")


def require_needs(
    needs: frozenset[str], *, label: LabelRule | None, dataset: "DataSet | None"
) -> None:
    """Raise a ValueError if pairs without labels, or real data without classes, cannot give it."""
    num_classes = None if dataset is None else dataset.num_classes
    if "labels" in needs and label is None:
        raise ValueError(
            "a metric checks whether samples show the requested class, but the pairs are "
            "unlabelled; leave 'class-agreement' out of evaluation.metrics"
        )
    if "classifier" in needs and num_classes is None:
        raise ValueError(
            "a metric needs a classifier, which can't be trained without a data set with classes; "
            "give dataset.num_classes, or leave 'class-agreement' and 'classifier-frechet' out of "
            "evaluation.metrics"
        )
    if "labels" in needs and label is not None and num_classes not in (None, label.num_classes):
        raise ValueError(
            f"pairs have {label.num_classes} classes, the data set {num_classes}: one classifier "
            "cannot judge both; correct dataset.num_classes or pairs.pairs.label"
        )
