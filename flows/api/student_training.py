"""Trains a student on stored pairs, as `kdm distill` does: in a child process that can be resumed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.api.arguments import (
    MOST,
    Named,
    laid_over,
    new_name,
    options,
    stage_device,
    unknown,
    whole,
)
from flows.api.loaded_student import TrainedStudent, student_in
from flows.api.places import home_around
from flows.api.python_run import run_of, torch_as_before
from flows.api.set_document import document_of, training_pairs
from flows.stages.sequence import run_stages
from kdm.presets.presets import preset_names
from kdm.students.plugin import GROUP
from pairgen.teachers.imported_name import default_name
from storage.plugins import plugin_names

if TYPE_CHECKING:
    from flows.api.pair_set import PairSet

_EXAMPLE = "{'plugin': 'kdm'}"


def train_student(
    pairs: "PairSet | Named",
    student: str | Mapping[str, Any] = "kdm",
    *,
    num_steps: int,
    name: str = "",
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    home: Named = "",
) -> TrainedStudent:
    """Train a student on the pairs, and load it.

    `student` is a kind of student (kdm, kdm-f, regression, …), a preset's name, or the options of one, as in
    {"plugin": "kdm", "losses": {"latent_noise": 0.02}} (docs/students.md). `settings` change its `model` and
    `training`, by place: {"training.batch_size": 128, "model.data_scale": 2.5}. `name` is the name that its
    folder gets, by default the kind's. Without `home` it is stored in the home of its pairs.

    A student that is trained already is loaded; one whose training was stopped is resumed. Raises a
    ValueError or a StoreError.
    """
    whole("num_steps", num_steps, 1, MOST)
    stage_device(device)
    entry = _entry(student, "" if name == "" else new_name("name", name))
    laid_over(entry, settings, "train_student")
    _require_one_number(entry, num_steps)
    laid_over(entry, {"training.num_steps": num_steps}, "train_student")
    found = training_pairs(pairs, home)
    where = home_around(found.url, home)
    with torch_as_before():
        document = {**document_of(found), "students": [entry]}
        run = run_of(document, where, what="train_student", device=device)
        trained = run_stages(run, until="distill")[-1]
    return student_in(trained.place)


def _require_one_number(entry: Mapping[str, Any], num_steps: int) -> None:
    """Raise a ValueError if the settings ask for another number of steps than the argument."""
    training = entry.get("training")
    stated = training.get("num_steps", num_steps) if isinstance(training, dict) else num_steps
    if stated != num_steps:
        raise ValueError(
            f"num_steps is {num_steps} and training.num_steps of settings is {stated!r}; leave the latter out"
        )


def _entry(student: str | Mapping[str, Any], name: str) -> dict[str, Any]:
    """A student as a recipe lists it."""
    if isinstance(student, Mapping):
        kind = str(options("student", student, _EXAMPLE).get("plugin", "student"))
        return {"name": name or default_name(kind), "model": dict(student), "training": {}}
    kinds, presets = plugin_names(GROUP), preset_names()
    if student in kinds:
        return {"name": name or student, "model": {"plugin": student}, "training": {}}
    if student in presets:
        return {"name": name or student, "preset": student}
    near = unknown("student is", student, [*kinds, *presets])
    raise ValueError(f"{near} (or give its options, as in {_EXAMPLE})")
