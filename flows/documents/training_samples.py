"""Samples of the teacher beside the held-out pairs: those of training pairs, read shard by shard."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.judged_pairs import masks_in, open_split
from flows.stage import Run, StageResult
from kdm.evaluate.linear_map import MAX_PAIRS, linear_predictions
from kdm.metrics.sample_sets import Source, gathered
from storage.records import PairBatch, concatenate


class TrainingSamples(NamedTuple):
    """Of training pairs the samples and classes, and the first pairs whole if linear rivals learn them."""

    x_0: Source
    label: NDArray[np.int64] | None
    first: PairBatch | None

    def linear_x_0(self, heldout: PairBatch) -> NDArray[np.float32] | None:
        """What a linear map makes of the held-out noise; None without whole pairs."""
        return linear_predictions(self.first, heldout) if self.first else None


def training_samples(run: Run, judged: StageResult, *, has_rivals: bool) -> TrainingSamples:
    """As many as two sets of fresh samples, or linear rivals, may need."""
    pairs, num_whole = run.recipe.pairs, MAX_PAIRS if has_rivals else 0
    count = min(pairs.train, max(3 * run.recipe.evaluation.num_fresh, num_whole))
    labels, first, num_first = list[NDArray[np.int64]](), list[PairBatch](), 0

    def samples() -> Iterator[NDArray[Any]]:
        nonlocal num_first
        for each in open_split(run, judged, "train").kept(count, masks_in(judged)):
            if each.label is not None:
                labels.append(each.label)
            if num_first < num_whole:
                first.append(each.take(slice(num_whole - num_first)))
                num_first += len(first[-1])
            yield each.x_0

    x_0 = gathered(samples())
    label = np.concatenate(labels) if labels else None
    return TrainingSamples(x_0, label, concatenate(first) if first else None)
