"""The trackers of a training that doesn't name any: those of the user's settings. No name depends on them."""

from typing import cast

from flows.settings import settings
from kdm.trackers.tracker import GROUP, TrackerPlugin
from kdm.training.options import TrainingOptions
from storage.plugins import configure


def with_usual_trackers(training: TrainingOptions) -> TrainingOptions:
    """The same options; `trackers` that are None become the settings', if the settings name any or []."""
    usual = settings().trackers
    if training.trackers is not None or usual is None:
        return training
    chosen = tuple(cast(TrackerPlugin, configure(GROUP, name)) for name in usual)
    return training.model_copy(update={"trackers": chosen})
