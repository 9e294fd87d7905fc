"""The networks that metrics look at samples with, on a run's device."""

import torch

from flows.stage import Run
from kdm.evaluate.network_views import NetworkViews
from kdm.evaluate.perception import Perception
from kdm.evaluate.picture_judge import PictureJudge, picture_judge


def views_of(run: Run, shape: tuple[int, ...] | None) -> NetworkViews:
    """Of the metrics over features; `shape` of a sample is None where only the source knows it.

    A ValueError for a network or statistics that won't do.
    """
    recipe, device = run.recipe, torch.device(run.settled_device)
    return NetworkViews(
        run.home, recipe.evaluation.metrics, recipe.dataset, device=device, shape=shape
    )


def perception_of(run: Run) -> Perception:
    """Of the metrics over perceptual distances."""
    return Perception(run.recipe.evaluation.metrics, device=torch.device(run.settled_device))


def judge_on(run: Run) -> PictureJudge | None:
    """The classifier of the recipe's data set, trained if the home lacks it; None without a data set."""
    dataset, device = run.recipe.dataset, torch.device(run.settled_device)
    if dataset is None:
        return None
    return picture_judge(run.home, dataset, run.recipe.evaluation.classifier, device=device)
