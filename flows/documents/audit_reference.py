"""The real samples of an audit: a recipe's data set, or one whose pictures are elsewhere."""

from pathlib import Path
from typing import Any

from flows.config.recipe import Recipe
from kdm.datasets import DataSet
from kdm.datasets.kind_at import kind_at
from kdm.privacy.mirrored_views import is_picture
from storage.options import Options, parse


class _Given(Options):
    dataset: DataSet


def audit_reference(recipe: Recipe, path: str, shape: tuple[int, ...]) -> DataSet:
    """The data set with what its training set and its held-out samples are.

    With a path the recipe still says what is held out. A ValueError if nothing is, or if samples have
    another shape than the pairs, [*shape].
    """
    dataset = _at(Path(path).expanduser(), recipe.dataset, shape) if path else recipe.dataset
    if dataset is None:
        raise ValueError(
            "this student's recipe names no data set, so nothing says which real samples were held out; "
            "state it in the recipe: dataset.kind, dataset.source and dataset.num_heldout"
        )
    if not dataset.has_heldout:
        raise ValueError(
            "the data set has no held-out real samples, with which an audit compares; state them in "
            "the recipe with dataset.num_heldout or dataset.heldout_source"
        )
    if tuple(dataset.shape) != shape:
        raise ValueError(
            f"the training set's samples have the shape {list(dataset.shape)}, the pairs' {list(shape)}; "
            "name with --reference the set that the teacher was trained on"
        )
    return dataset


def _at(path: Path, known: Any, shape: tuple[int, ...]) -> DataSet:
    if not is_picture(shape):
        raise ValueError(
            f"--reference names pictures, and this student makes samples of shape {list(shape)}; "
            "leave it out"
        )
    if not path.exists():
        raise ValueError(f"--reference {path}: there is no such file or folder; correct the path")
    heldout = {
        option: getattr(known, option)
        for option in ("heldout_source", "num_heldout")
        if getattr(known, option, None)
    }
    document = {
        "kind": kind_at(path),
        "source": str(path),
        "shape": list(shape),
        **heldout,
    }
    return parse(_Given, {"dataset": document}, str(path)).dataset
