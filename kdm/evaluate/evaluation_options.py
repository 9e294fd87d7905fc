"""What an evaluation is: which metrics, on how many samples, from which noise.

`metrics.json` repeats these options, because numbers under others don't compare.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from kdm.evaluate.classifier_options import ClassifierOptions
from kdm.metrics.metric import Metric
from storage.options import LastingOptions, Options
from storage.plugins import Configured, configure

GROUP = "kdm.metrics"
_DEFAULT = ("cells", "paired", "sliced-wasserstein", "outliers")


def _default_metrics() -> tuple[Metric, ...]:
    return tuple(cast(Metric, configure(GROUP, name)) for name in _DEFAULT)


class WhereFilesAre(Options):
    """Metrics to add if all that they need is there: a recipe's wish, where `metrics` is a demand."""

    metrics: tuple[Annotated[Metric, Configured(GROUP)], ...]  # plugins and their options
    num_fresh: int = Field(ge=2, le=10**8)  # if any of them is measured


class EvaluationOptions(LastingOptions):
    """All that determines a student's numbers beside the student and the pairs."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "where_files_are": None,
        "classifier": None,
        "num_steps": None,
    }

    # Plugins and their options.
    metrics: tuple[Annotated[Metric, Configured(GROUP)], ...] = Field(
        default_factory=_default_metrics
    )
    num_fresh: int = Field(
        10_000, ge=2, le=10**8
    )  # samples from fresh noise, and in each teacher set
    seed: int = Field(0, ge=0, le=2**64 - 1)  # of fresh noise and of a stochastic student
    batch_size: int = Field(2_500, ge=1)  # samples a call; round-off may depend on it
    classifier: ClassifierOptions | None = (
        None  # how metrics' classifier is trained; None: as usual
    )
    # Of a student that samples in steps, in place of its own number: quality against steps.
    num_steps: int | None = Field(None, ge=1, le=1000)
    where_files_are: WhereFilesAre | None = None  # in a recipe that was loaded: those that aren't

    def measured(self) -> dict[str, Any]:
        """What numbers depend on: all but wishes that weren't granted."""
        return self.model_dump(mode="json", exclude={"where_files_are"})
