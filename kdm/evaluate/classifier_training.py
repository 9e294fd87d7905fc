"""A classifier trained once on a reference set's training split, and found again by its digest.

HOME/classifiers/NAME-DIGEST/   model.safetensors  config.json (with its accuracy)  losses.json  timings.json

It minimises the cross entropy −log p(y | x) with the project's own trainer. The digest covers the data
set's content and the options, so an evaluation that needs the same classifier finds this one.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F

from kdm.batch import Batch
from kdm.data import points_source
from kdm.datasets import DataSet
from kdm.datasets.pictures import Split
from kdm.evaluate.classifier import Classifier
from kdm.evaluate.classifier_name import classifier_identity, classifier_name, num_known_classes
from kdm.evaluate.classifier_options import ClassifierOptions
from kdm.export import write_trained
from kdm.objective import Losses, Objective, Player
from kdm.randomness.step_seeds import seed_initial_weights
from kdm.trained import read_config, read_weights
from kdm.training.trainer import Trainer, TrainingResult
from storage.folders import Folder

FOLDER = "classifiers"


class KnownClassifier(NamedTuple):
    """A classifier with what its folder says of it."""

    classifier: Classifier
    name: str  # of the folder below classifiers/
    accuracy: dict[str, float]  # the share of each split whose class it tells


def trained_classifier(
    home: Folder,
    dataset: DataSet,
    options: ClassifierOptions | None = None,
    *,
    device: torch.device | None = None,
) -> Classifier:
    """The classifier of a data set with classes; see `known_classifier`."""
    return known_classifier(home, dataset, options, device=device).classifier


def known_classifier(
    home: Folder,
    dataset: DataSet,
    options: ClassifierOptions | None = None,
    *,
    device: torch.device | None = None,
) -> KnownClassifier:
    """The classifier of a data set with classes, ready to judge on the CPU; trained unless `home` has it.

    Raises a ValueError if the set has no classes or no square pictures, `DamageError` if the
    weights that it finds aren't as they were written.
    """
    options = options or ClassifierOptions()
    name, identity = classifier_name(dataset, options), classifier_identity(dataset, options)
    folder = home / FOLDER / name
    config = read_config(folder)
    if config is None or config["identity"] != identity:
        config = _train(folder, dataset, options, device=device or torch.device("cpu"))
    classifier = _loaded(dataset, safetensors.torch.load(read_weights(folder, config)))
    return KnownClassifier(classifier, name, config["accuracy"])


def accuracy(classifier: Classifier, dataset: DataSet, split: Split = "heldout") -> float:
    """The share of a split's pictures whose class it tells."""
    samples = dataset.heldout() if split == "heldout" else dataset.train()
    return float(np.mean(classifier.judge(samples).classes == dataset.labels(split)))


def _train(
    folder: Folder, dataset: DataSet, options: ClassifierOptions, *, device: torch.device
) -> dict[str, Any]:
    """Train and write; what `config.json` says."""
    folder.sweep()
    folder.require_writable("training a classifier")
    identity, result = (
        classifier_identity(dataset, options),
        _fitted(folder, dataset, options, device),
    )
    classifier = _loaded(dataset, result.state)
    splits: tuple[Split, ...] = ("train", "heldout") if dataset.has_heldout else ("train",)
    config = {
        "group": FOLDER,
        "identity": identity,
        "shape": list(dataset.shape),
        "num_classes": dataset.num_classes,
        "accuracy": {split: accuracy(classifier, dataset, split) for split in splits},
    }
    timings = {"seconds": result.seconds, "cpu_seconds": result.cpu_seconds}
    write_trained(folder, result.state, config=config, losses=result.losses, timings=timings)
    folder.remove("checkpoints")
    written = read_config(folder)
    assert written is not None  # it was just written
    return written


def _fitted(
    folder: Folder, dataset: DataSet, options: ClassifierOptions, device: torch.device
) -> TrainingResult:
    """The training itself: samples [n, C, H, H] with classes [n], the mean cross entropy of a batch."""
    samples, labels = dataset.train(), dataset.labels("train")
    classifier = _built(dataset, options.seed).to(device)
    player = Player("classifier", classifier, partial(_losses, classifier))
    source = points_source(
        samples, labels, seed=options.seed, batch_size=options.batch_size, device=device
    )
    objective = Objective(classifier, (player,))
    training, identity = options.training(len(samples)), classifier_identity(dataset, options)
    with torch.random.fork_rng():  # each step seeds torch's generators
        return Trainer(objective, source, training, folder, identity=identity).fit()


def _losses(classifier: Classifier, batch: Batch) -> Losses:
    """The mean of −log p(y | x) over a batch."""
    assert batch.label is not None  # a set without classes doesn't get a classifier
    loss = F.cross_entropy(classifier(batch.x_0), batch.label)
    return Losses(loss, {"cross_entropy": loss.detach()})


def _built(dataset: DataSet, seed: int = 0) -> Classifier:
    """A classifier with fresh weights drawn from `seed`; a ValueError if the set has no classes."""
    num_classes = num_known_classes(dataset)
    # The caller's stream of random numbers must not notice.
    with torch.random.fork_rng():
        seed_initial_weights(seed)
        return Classifier(dataset.shape, num_classes)


def _loaded(dataset: DataSet, state: dict[str, torch.Tensor]) -> Classifier:
    """The classifier with these weights, frozen and in evaluation mode."""
    classifier = _built(dataset)
    classifier.load_state_dict(state)
    return classifier.eval().requires_grad_(False)
