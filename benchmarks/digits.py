"""How good the digits teacher is, beside its bars and beside real digits, and what it takes.

A classifier that learned the real digits judges the first pairs of the recipe `digits`, unfiltered, so
that all classes are asked for equally often. KDM_BENCH_HOME keeps the home between runs; a stage that
was done before takes no time.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flows.config.load import load_recipe
from flows.judged_pairs import open_split
from flows.stage import Run, StageResult
from flows.stages.sequence import run_stages
from kdm.datasets.digits import DigitsData
from kdm.evaluate.classifier import Classifier
from kdm.evaluate.classifier_training import accuracy, trained_classifier
from kdm.evaluate.picture_quality import PictureQuality, picture_quality
from storage.folders import folder_at

NUM_SAMPLES = 5000
BARS = ("≥ 0.99", "≤ 0.15", "≥ 0.9", "≥ 0.9")
NAMES = (
    "class agreement",
    "Fréchet distance to the training set",
    "nearest training digit: median, over held-out digits'",
    "nearest training digit: 1 % quantile, over held-out digits'",
)


@dataclass
class Stopwatch:
    """Calls stages and notes what each took: wall and CPU seconds, its children's with it."""

    rows: list[str] = field(default_factory=list)

    def __call__(self, stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
        wall, cpu = time.perf_counter(), _cpu_seconds()
        result = stage(*arguments)
        took = f"{time.perf_counter() - wall:.0f} | {_cpu_seconds() - cpu:.0f}"
        self.rows.append(f"| {result.stage}, {result.state} | {took} |")
        return result


def table() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as temporary:
        home = folder_at(os.environ.get("KDM_BENCH_HOME", temporary))
        watch, run = Stopwatch(), Run(load_recipe("digits"), home)
        judged = run_stages(run, until="filter-pairs", call=watch)[-1]
        yield from ["| stage | wall s | CPU s |", "|---|---:|---:|", *watch.rows, ""]
        yield from _quality(run, judged)


def _quality(run: Run, judged: StageResult) -> Iterator[str]:
    data = DigitsData()
    classifier = trained_classifier(run.home, data)
    pairs = open_split(run, judged, "train").load(NUM_SAMPLES).pairs
    assert pairs.label is not None  # the recipe is class-conditional
    columns = [
        picture_quality(np.asarray(pairs.x_0), pairs.label, data, classifier),
        picture_quality(data.heldout(), data.labels("heldout"), data, classifier),
        *_floors(data, classifier),
    ]
    yield f"{len(pairs):,} pairs; a classifier that tells {accuracy(classifier, data):.1%} of held-out digits"
    yield ""
    yield "| 95 % interval | pairs | held-out digits | training digits, drawn again | bar |"
    yield "|---|---:|---:|---:|---:|"
    for name, bar, *row in zip(NAMES, BARS, *columns, strict=True):
        yield f"| {name} | {' | '.join(map(str, row))} | {bar} |"


def _floors(data: DigitsData, classifier: Classifier) -> list[PictureQuality]:
    """As many training digits as pairs, drawn with repeats: what sampling noise alone leaves."""
    drawn = np.random.RandomState(0).randint(0, len(data.train()), NUM_SAMPLES)
    return [picture_quality(data.train()[drawn], data.labels()[drawn], data, classifier)]


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
