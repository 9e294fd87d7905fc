"""The networks through which an evaluation sees a student, and that a finish may not have optimised."""

from collections.abc import Iterable

from flows.stage import Run
from kdm.evaluate.classifier_name import classifier_name
from kdm.evaluate.evaluate import needs_of
from kdm.finish.finish_options import FinishOptions
from kdm.finish.judges import require_other_features
from kdm.metrics.metric import Metric
from kdm.trained import read_config
from storage.folders import Folder
from storage.options import parse


def networks_of(run: Run) -> dict[str, str | dict[str, str]]:
    """Part of an evaluation's identity: the classifier, files of the weights folder and real pictures.

    Each only if a metric needs it.
    """
    return {**_classifier(run), **_networks(run)}


def require_other_judges(folder: Folder, name: str, metrics: Iterable[Metric]) -> None:
    """Raise a ValueError if a metric sees through the features that finished the student of a folder."""
    config = read_config(folder)
    finish = (config or {}).get("identity", {}).get("finish")
    if finish is None:
        return
    options = {key: value for key, value in finish.items() if key not in ("weights", "network")}
    known = parse(FinishOptions, options, f"{folder.url}/config.json: identity.finish")
    require_other_features(name, known, metrics, network=finish.get("network"))


def _classifier(run: Run) -> dict[str, str]:
    """The classifier, if a metric needs one."""
    dataset, evaluation = run.recipe.dataset, run.recipe.evaluation
    if "classifier" not in needs_of(evaluation.metrics) or dataset is None:
        return {}
    return {"classifier": classifier_name(dataset, evaluation.classifier)}


def _networks(run: Run) -> dict[str, dict[str, str]]:
    """Files of the weights folder and real pictures, if a metric needs any."""
    metrics = run.recipe.evaluation.metrics
    if not any(metric.files() for metric in metrics):
        return {}
    from kdm.evaluate.network_views import seen_by  # torch

    return {"networks": seen_by(metrics, run.recipe.dataset)}
