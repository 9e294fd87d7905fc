"""`kdm evaluate reference`: statistics of real pictures for a Fréchet metric, computed once and kept."""

import re
from pathlib import Path
from typing import Any, NamedTuple, get_args

import torch
import typer

from flows.config.load import load_recipe
from flows.config.recipe_files import recipe_titles
from flows.device import require_device, settled_device
from flows.home import home_folder
from flows.table import say_document
from kdm.datasets import DataSet, splits_of
from kdm.datasets.kind_at import kind_at
from kdm.datasets.pictures import Split
from kdm.evaluate.evaluation_options import GROUP
from kdm.evaluate.kept_references import (
    FOLDER,
    identity,
    is_kept,
    keep_reference,
    read_reference,
    reference_name,
)
from kdm.evaluate.network_views import Eyes, pictures_of
from kdm.metrics.network_metric import FrechetMetric, require_real_count
from storage.did_you_mean import nearest
from storage.options import Options, parse
from storage.plugins import configure, plugin_names
from storage.yaml_text import read_yaml

_UNNAMEABLE = re.compile(r"[^A-Za-z0-9._]+")


class Wanted(NamedTuple):
    """What the command was told."""

    data: str  # a recipe, or a path
    split: str
    metric: str  # as in evaluation.metrics
    shape: str  # C,H,W of pictures at a path
    overrides: tuple[str, ...]
    device: str
    is_dry: bool = False


class _Given(Options):
    dataset: DataSet


def reference(wanted: Wanted, home: str, *, as_json: bool) -> None:
    """Compute and keep them, and print the name by which a metric takes them.

    A dry run says whether they are kept already.
    """
    require_device(wanted.device)
    metric, place = _metric(wanted.metric), home_folder(home)
    name, dataset = _named_data(wanted)
    split = _split(wanted.split, dataset)
    metric.require_shape(dataset.shape)
    metric.require_files()
    eyes = Eyes(place, metric.view, torch.device(settled_device(wanted.device)))
    of = identity(eyes.identity, dataset, split)
    thing = reference_name(f"{name}-{split}", of)
    if is_kept(place, thing):
        state, count = "cached", read_reference(place, thing, eyes.identity).of.count
    else:
        count = len(pictures_of(dataset, split))
        require_real_count(count, eyes.network.num_features)
        place.require_writable("statistics")
        state = "to make"
    if state == "to make" and not wanted.is_dry:
        real = eyes.real(dataset, split)
        keep_reference(place, thing, real, {"identity": of, "shape": list(dataset.shape)})
        state, count = "done", real.of.count
    view = metric.view
    if as_json:
        found = {"reference": thing, "state": state, "pictures": count}
        say_document({**found, "network": view.network, "mode": view.mode})
        return
    typer.echo(f"{FOLDER}/{thing}: {state}, {count:,} pictures, {view.network}, mode {view.mode}")
    typer.echo(f"a metric takes them by `reference: {thing}`")


def _metric(text: str) -> FrechetMetric:
    choice = read_yaml(text, "--metric")
    found = configure(GROUP, choice)
    if not isinstance(found, FrechetMetric):
        known = [
            name
            for name in plugin_names(GROUP)
            if isinstance(configure(GROUP, name), FrechetMetric)
        ]
        raise ValueError(
            f"metric '{found.plugin}' has no use for statistics; {nearest(found.plugin, known)}"
        )
    return found


def _named_data(wanted: Wanted) -> tuple[str, Any]:
    """A name for the pictures, and the data set: a recipe's, or what lies at a path."""
    path = Path(wanted.data).expanduser()
    is_recipe = wanted.data in recipe_titles() or path.suffix in (".yaml", ".yml")
    if is_recipe:
        recipe = load_recipe(wanted.data, overrides=wanted.overrides)
        if recipe.dataset is None:
            raise ValueError(
                f"recipe '{wanted.data}' has no data set; name the pictures themselves, a folder, zip, tar "
                "or array, or add one by --set dataset.kind=… --set dataset.source=…"
            )
        return recipe.name, recipe.dataset
    if not path.exists():
        raise ValueError(
            f"{wanted.data} is neither a recipe nor a file or folder; "
            f"{nearest(wanted.data, [*recipe_titles()])}"
        )
    return _UNNAMEABLE.sub("-", path.name.partition(".")[0]) or "pictures", _at(path, wanted)


def _at(path: Path, wanted: Wanted) -> Any:
    shape = re.fullmatch(r"([13]),(\d{1,5}),(\d{1,5})", wanted.shape.replace(" ", ""))
    if shape is None:
        raise ValueError(
            f"--shape is '{wanted.shape}'; say the pictures' channels, height and width, as in "
            "--shape 3,32,32"
        )
    document: dict[str, Any] = {
        "kind": kind_at(path),
        "source": str(path),
        "shape": [int(each) for each in shape.groups()],
    }
    for override in wanted.overrides:
        key, _, text = override.partition("=")
        document[key.removeprefix("dataset.")] = read_yaml(text, f"--set {key}: the value")
    return parse(_Given, {"dataset": document}, str(path)).dataset


def _split(name: str, dataset: DataSet) -> Split:
    known = splits_of(dataset)
    for each in get_args(Split):
        if each == name and name in known:
            return each  # type: ignore[no-any-return]
    raise ValueError(f"the data set has no split '{name}'; {nearest(name, list(known))}")
