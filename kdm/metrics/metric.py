"""The contract of a metric: named numbers, what each of them means, and the teacher's own.

A metric states its `meanings` and computes `measure(samples)`; everything else has a default. One with
intervals subclasses `EstimatedMetric` and computes `estimates(samples)` with `bootstrap`. Arrays of
`EvaluationSamples` are float32 [n, *shape] for held-out pairs and [m, *shape] for fresh noise.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from kdm.metrics.bootstrap import Estimate
from kdm.metrics.protocol import Protocol
from kdm.metrics.samples import EvaluationSamples
from storage.did_you_mean import nearest
from storage.plugins import Plugin

BETTER = ["higher", "lower", "nearer 1"]
MEASURED_ON = ["heldout", "fresh"]


@dataclass(frozen=True)
class Meaning:
    """What a number says, in the words of the report's table."""

    label: str  # the column's head
    explanation: str  # one sentence
    better: Literal["higher", "lower", "nearer 1"]  # which way is better
    measured_on: Literal["heldout", "fresh"]  # which samples; their number gives standard errors
    is_fraction: bool = False  # printed in percent, with its binomial standard error
    # Whether this many samples separate students; if not, none is marked as the best.
    is_ranked: bool = True

    def __post_init__(self) -> None:
        """Raise a ValueError for a word that no table knows."""
        for name, known in (("better", BETTER), ("measured_on", MEASURED_ON)):
            said = getattr(self, name)
            if said not in known:
                raise ValueError(
                    f"the meaning of '{self.label}' has {name} {said!r}; {nearest(str(said), known)}"
                )


class Metric(Plugin):
    """A plugin of the group `kdm.metrics`: numpy only, the same samples give the same bits."""

    meanings: ClassVar[Mapping[str, Meaning]]  # what each number says, by its name
    # What it needs beside samples: 'labels' of the pairs, a 'classifier' of the data set's classes,
    # a 'linear' map of each class as a rival, what a published 'network' sees.
    needs: ClassVar[frozenset[str]] = frozenset()

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if it can't measure samples of this shape; most take any."""

    def files(self) -> tuple[str, ...]:
        """Names of files in the weights folder on which its numbers depend."""
        return ()

    def require_files(self) -> None:
        """Raise a ValueError for a file or package that it lacks, whatever it measures."""

    def require_real(self, splits: Collection[str]) -> None:
        """Raise a ValueError if it compares with real pictures that the data set's splits lack."""

    @abstractmethod
    def measure(self, samples: EvaluationSamples) -> dict[str, float]:
        """One finite number for every name in `meanings`."""

    def floor(self, samples: EvaluationSamples) -> dict[str, float]:
        """What the teacher scores in the student's place: no student need do better.

        For metrics on the same noise this is 0 or 1 by construction; for distances between sets
        it is the distance between two disjoint sets of the teacher's samples.
        """
        return self.measure(samples.with_teacher_as_student())

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """The numbers of `measure` with their 95 % intervals; nothing from a metric without any."""
        return {}

    def deviations(self, samples: EvaluationSamples) -> dict[str, tuple[float, ...]]:
        """Of numbers without an interval: what resampled rows do to them (`kdm.metrics.bootstrap`).

        Two students are compared by these over the same noise; a number without them, and without
        an `Estimate` that has any, is compared by its printed value alone.
        """
        return {}

    def protocol(self, samples: EvaluationSamples, *, seed: int) -> Protocol | None:
        """How its numbers were measured, if they are meant to stand beside others' (`protocol`)."""
        return None

    def real(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """What held-out real samples score in the student's place, if that means something."""
        return {}


class EstimatedMetric(Metric):
    """A metric whose numbers all have intervals."""

    @abstractmethod
    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """One number with its 95 % interval for every name in `meanings`."""

    def measure(self, samples: EvaluationSamples) -> dict[str, float]:
        """The numbers of `estimates`."""
        return {name: estimate.value for name, estimate in self.estimates(samples).items()}
