"""Who judges pictures: a data set's classifier, trained once, with its view of the real pictures.

The features and classes of the real pictures are the same for every student, so they are computed once.
"""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from kdm.datasets import DataSet
from kdm.evaluate.classifier import Classifier
from kdm.evaluate.classifier_options import ClassifierOptions
from kdm.evaluate.classifier_training import KnownClassifier, known_classifier
from kdm.metrics.judgements import Judged, RealPictures
from kdm.metrics.sample_sets import SampleSet
from storage.folders import Folder


@dataclass(frozen=True)
class PictureJudge:
    """A classifier, and its answers for the pictures of its set."""

    classifier: Classifier
    name: str  # its folder below classifiers/ of the home
    accuracy: dict[str, float]  # by split
    real: RealPictures

    def judged(
        self,
        fresh: NDArray[Any] | SampleSet,
        reference: NDArray[Any] | SampleSet,
        second_reference: NDArray[Any] | SampleSet,
    ) -> Judged:
        """Three sets of samples, [m, C, H, H] each."""
        judge = self.classifier.judge
        return Judged(judge(fresh), judge(reference), judge(second_reference), self.real)

    def described(self) -> dict[str, Any]:
        """What the metrics document says of it: none of its numbers appears without this."""
        about = {"name": self.name, "accuracy": self.accuracy}
        return {"classifier": about, "num_real": self.real.num_heldout}


def picture_judge(
    home: Folder,
    dataset: DataSet,
    options: ClassifierOptions | None = None,
    *,
    device: torch.device | None = None,
) -> PictureJudge:
    """The judge of a data set with classes; its classifier is trained unless `home` has it.

    Raises what `known_classifier` raises.
    """
    known = known_classifier(home, dataset, options, device=device)
    known.classifier.to(device or torch.device("cpu"))
    return judge_of(known, dataset)


def judge_of(known: KnownClassifier, dataset: DataSet) -> PictureJudge:
    """A classifier with its view of the set's own pictures."""
    judge = known.classifier.judge
    heldout = judge(dataset.heldout()) if dataset.has_heldout else None
    label = dataset.labels("heldout") if dataset.has_heldout else None
    real = RealPictures(judge(dataset.train()), heldout, label)
    return PictureJudge(known.classifier, known.name, known.accuracy, real)
