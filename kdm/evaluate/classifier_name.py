"""Under which name a home keeps the classifier of a data set: nothing here computes.

The digest covers the data set's content and the options, so an evaluation that needs the same classifier
finds the one that is there (kdm/evaluate/classifier_training.py).
"""

from typing import Any

from kdm.datasets import DataSet
from kdm.evaluate.classifier_options import ClassifierOptions
from storage.digest import digest_of, short

VERSION = 1  # raised by a change of the numbers
COARSEST = 4  # pixels a side when halving ends


def classifier_name(dataset: DataSet, options: ClassifierOptions | None = None) -> str:
    """Its folder below classifiers/: the set's kind, and the digest of all that determines it.

    Raises a ValueError if the set has no classes or no square pictures.
    """
    num_known_classes(dataset)
    require_square(dataset.shape)
    found = classifier_identity(dataset, options or ClassifierOptions())
    return f"{dataset.kind}-{short(digest_of(found))}"


def classifier_identity(dataset: DataSet, options: ClassifierOptions) -> dict[str, Any]:
    """All that determines a classifier, for its name and for `config.json`."""
    return {
        "version": VERSION,
        "dataset": dataset.digest(),
        "options": options.model_dump(mode="json"),
    }


def num_known_classes(dataset: DataSet) -> int:
    """How many classes a set has; a ValueError if it has none."""
    if dataset.num_classes is None:
        raise ValueError(
            f"data set '{dataset.kind}' doesn't have classes for a classifier to learn; give "
            "dataset.num_classes if its pictures have labels"
        )
    return dataset.num_classes


def require_square(shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless samples are pictures (C, H, H) that can be halved down to 4 pixels a side."""
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] < COARSEST:
        raise ValueError(
            f"a classifier is for square pictures of {COARSEST} pixels a side and more, not for "
            f"samples of shape {shape}"
        )
