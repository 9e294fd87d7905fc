"""Trackers in the stages: the settings' where a training names none, and what they get after it."""

from flows.settings import settings
from flows.stage import Run
from kdm.trackers.choice import chosen_trackers
from kdm.trackers.tracked_run import RUN
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Progress
from storage.folders import Folder


def with_usual_trackers(training: TrainingOptions) -> TrainingOptions:
    """The same options; `trackers` that are None become the settings', if the settings name any or [].

    Raises a ValueError if a package of theirs isn't installed. No name depends on trackers.
    """
    usual = settings().trackers
    if training.trackers is not None or usual is None:
        return training
    return training.model_copy(update={"trackers": chosen_trackers(usual)})


def tell_trackers(run: Run, folder: Folder, training: TrainingOptions) -> None:
    """Tell the trackers of a training that is done what they lack of it.

    Those of the settings are told of a training that some tracker has followed, and of no other.
    """
    tracked = with_usual_trackers(training) if folder.exists(RUN) else training
    if not tracked.trackers:
        return
    from kdm.training.followers import catch_up  # only who has trackers waits for it

    catch_up(folder, tracked, lambda said: _say(run, said))


def _say(run: Run, said: Progress | Notice) -> None:
    if isinstance(said, Notice):
        run.say(said.notice)
