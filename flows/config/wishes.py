"""Metrics that a recipe wishes for: measured where their files are, named where they aren't.

`evaluation.metrics` is a demand: a run ends before any work if one of them lacks a file. A recipe that comes
with the project can't know what a machine has, so it lists the metrics over published networks under
`evaluation.where_files_are`.
"""

from flows.config.recipe import Recipe
from kdm.datasets import splits_of
from kdm.metrics.metric import Metric
from kdm.metrics.network_metric import NUM_FEATURES, InceptionMetric
from kdm.pretrained import SOURCES, fault_of


def with_wishes(recipe: Recipe) -> Recipe:
    """The recipe with its wishes as metrics where they can be measured; the others stay wishes."""
    wished = recipe.evaluation.where_files_are
    if wished is None:
        return recipe
    given = {metric.plugin for metric in recipe.evaluation.metrics}
    open_ones = [metric for metric in wished.metrics if metric.plugin not in given]
    missing = [metric for metric in open_ones if _fault(recipe, metric, wished.num_fresh)]
    granted = tuple(metric for metric in open_ones if metric not in missing)
    left = wished.model_copy(update={"metrics": tuple(missing)}) if missing else None
    update = {
        "metrics": (*recipe.evaluation.metrics, *granted),
        "num_fresh": wished.num_fresh if granted else recipe.evaluation.num_fresh,
        "where_files_are": left,
    }
    return recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update=update)})


def missing_words(recipe: Recipe) -> str:
    """A sentence about the wishes that weren't granted; empty if all were."""
    wished = recipe.evaluation.where_files_are
    if wished is None:
        return ""
    names = _listed([metric.plugin for metric in wished.metrics])
    files = {name: None for metric in wished.metrics for name in metric.files() if fault_of(name)}
    verb = "aren't" if len(wished.metrics) > 1 else "isn't"
    if files:
        told = " (kdm doctor says where to get them)" if files.keys() <= SOURCES.keys() else ""
        reason = f"the weights folder lacks {_listed(list(files))}{told}"
    else:
        reason = _fault(recipe, wished.metrics[0], wished.num_fresh)
    return f"{names} {verb} measured: {reason}."


def _fault(recipe: Recipe, metric: Metric, num_fresh: int) -> str:
    """Why a metric can't be measured here; empty if nothing stands against it."""
    try:
        if recipe.shape is not None:
            metric.require_shape(recipe.shape)
        metric.require_files()
        metric.require_real(splits_of(recipe.dataset))
        if isinstance(metric, InceptionMetric):
            metric.require_samples(min(num_fresh, recipe.pairs.train // 2), NUM_FEATURES)
    except ValueError as error:
        return str(error)
    return ""


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
