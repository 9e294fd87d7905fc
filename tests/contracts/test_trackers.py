"""Laws of every registered tracker."""

import numpy as np
import pytest

from kdm.trackers.tracker import GROUP, TrackerPlugin
from kdm.training.options import TrainingOptions
from storage.folders import Folder
from storage.plugins import configure, describe, plugin_names

every_tracker = pytest.mark.parametrize("name", plugin_names(GROUP))


def plugin(name: str) -> TrackerPlugin:
    return configure(GROUP, name)


@every_tracker
def test_it_takes_numbers_and_pictures_of_a_run_that_starts_twice(name: str, home: Folder) -> None:
    for first_step in (1, 5):
        tracker = plugin(name).open(home, first_step=first_step)
        tracker.scalars(first_step, {"loss/pred": 0.5, "learning_rate": 1e-3})
        tracker.picture(first_step, "samples", np.zeros((4, 6, 3), np.uint8))
        tracker.close()
    assert home.exists() or not plugin(name).needs_disk


@every_tracker
def test_no_number_depends_on_it(name: str) -> None:
    assert TrainingOptions(trackers=(plugin(name),)).identity() == TrainingOptions().identity()


@every_tracker
def test_options_name_it_and_write_it_as_they_read_it(name: str) -> None:
    options = TrainingOptions.model_validate({"trackers": [name]})
    assert TrainingOptions.model_validate(options.model_dump(mode="json")) == options


@every_tracker
def test_its_description_makes_it_again(name: str) -> None:
    assert configure(GROUP, describe(plugin(name))) == plugin(name)
