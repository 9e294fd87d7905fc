"""Laws of every registered tracker."""

from contextlib import closing
from importlib.util import find_spec

import numpy as np
import pytest

from kdm.image_grid import png
from kdm.trackers.choice import chosen_trackers
from kdm.trackers.tracked_run import Entry, TrackedRun
from kdm.trackers.tracker import GROUP, TrackerPlugin, lacking
from kdm.training.options import TrainingOptions
from storage.folders import Folder
from storage.plugins import configure, describe, plugin_names

NAMES = plugin_names(GROUP)
every_tracker = pytest.mark.parametrize("name", NAMES)


def plugin(name: str) -> TrackerPlugin:
    return configure(GROUP, name)


def is_installed(name: str) -> bool:
    return not plugin(name).package or find_spec(plugin(name).package) is not None


@pytest.mark.parametrize("name", [each for each in NAMES if is_installed(each)])
def test_it_knows_the_last_step_that_an_earlier_process_told(
    name: str, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in plugin(name).environment.items():
        monkeypatch.setenv(variable, value)
    picture = {"samples": png(np.zeros((4, 6, 3), np.uint8))}
    run = TrackedRun(home / "students" / "kdm-0123456789ab", "0" * 16, {"model.width": 4})
    steps = []
    for first in (10, 30):
        with closing(plugin(name).open(run)) as tracker:
            steps.append(tracker.last_step())
            numbers = Entry(first, 1.7e9 + first, {"loss/pred": 0.5, "learning_rate": 1e-3})
            tracker.tell([numbers, Entry(first + 5, 1.7e9 + first, {}, picture)])
    with closing(plugin(name).open(run)) as tracker:
        assert [*steps, tracker.last_step()] == [0, 15, 35]
        for _ in range(2):  # the second time it has them
            tracker.finish({"final/loss/pred": 0.5, "final/fid": float("nan")})
            steps.append(tracker.last_step())
    assert steps[2] == steps[3] >= 35


def test_a_store_lacks_a_number_that_it_has_otherwise_but_not_one_that_is_nan_in_both() -> None:
    nan = float("nan")
    told = {"same": 0.5, "other": 0.5, "nan": nan, "was nan": nan, "text": "NaN"}
    now = {"same": 0.5, "other": 0.6, "nan": nan, "was nan": 0.5, "text": 1.0, "new": nan}
    assert list(lacking(told, now)) == ["other", "was nan", "text", "new"]


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


@every_tracker
def test_without_its_package_one_sentence_names_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdm.trackers.choice.find_spec", lambda package: None)
    wanted = rf"tracker '{name}' needs .*: pip install 'kdm-offline\[{name}\]', or leave"
    with pytest.raises(ValueError, match=wanted):
        chosen_trackers([name])


def test_names_become_trackers_or_a_sentence() -> None:
    assert [each.plugin for each in chosen_trackers(["tensorboard"])] == ["tensorboard"]
    with pytest.raises(ValueError, match="no tracker 'tensorbord'; did you mean 'tensorboard'"):
        chosen_trackers(["tensorbord"])
    with pytest.raises(ValueError, match="'tensorboard' is given 2 times"):
        chosen_trackers(["tensorboard", {"plugin": "tensorboard"}])
