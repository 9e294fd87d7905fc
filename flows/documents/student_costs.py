"""What a student cost to train and costs to sample: FLOPs, counted once and kept, and seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.documents.timings import with_before
from flows.documents.trained_on import Trained
from kdm.report.leaderboard import Cost
from storage.digest import digest_of
from storage.options import parse
from storage.plugins import configure
from storage.records import PairSchema


@dataclass
class Counts:
    """FLOPs by the digest of what was counted; counting a U-Net takes seconds."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, student: Trained) -> dict[str, Any]:
        """`sample`, `training` and `uncounted`; empty if it can't be counted here."""
        training = {**student.settings["training"], "seed": 0}
        asked = {**student.settings, "training": training, "schema": student.config["schema"]}
        digest = digest_of(asked)
        if digest not in self.known:
            counted = _counted(student)
            if not counted:  # to be tried again: a plugin may be installed by then
                return {}
            self.known[digest] = counted
        return self.known[digest]


def cost_of(student: Trained, counts: Counts) -> Cost:
    """All that is known of one student's cost."""
    found, timings = counts.of(student), student.timings
    is_gpu = student.job.get("device", "cpu").startswith("cuda")
    before = timings.get("before", {})  # of the training that a finish began with
    seconds = with_before(timings.get("cpu_seconds"), timings)
    if is_gpu and timings.get("seconds") is not None:
        seconds = timings["seconds"] * timings.get("num_ranks", 1)
        seconds += before.get("seconds", 0) * before.get("num_ranks", 1)
    sampling = timings.get("sampling", {})
    rate = sampling.get("samples_per_second")
    return Cost(
        num_parameters=student.config.get("parameters", {}).get("inference"),
        training_flops=found.get("training"),
        training_seconds=seconds,
        is_gpu=is_gpu,
        sample_flops=found.get("sample"),
        sample_milliseconds=1000 / rate if rate else None,
        machine=sampling.get("machine", ""),
        uncounted=tuple(found.get("uncounted", ())),
    )


def _counted(student: Trained) -> dict[str, Any]:
    from kdm.flops import sample_flops, training_flops  # torch, and its compiler
    from kdm.students.plugin import GROUP
    from kdm.training.options import TrainingOptions

    try:
        plugin: Any = configure(GROUP, student.config["model"])
        schema = parse(PairSchema, student.config["schema"], "config.json: schema")
        options = parse(TrainingOptions, student.settings["training"], "config.json: training")
        sample, training = sample_flops(plugin, schema), training_flops(plugin, schema, options)
        if "finish" in student.settings:
            training = training.plus(_of_finish(student.settings["finish"], plugin, schema))
    except (ValueError, RuntimeError):  # a plugin of others that isn't installed, or needs numbers
        return {}
    return {
        "sample": sample.total,
        "training": training.total,
        "uncounted": sorted({*sample.uncounted, *training.uncounted}),
    }


def _of_finish(finish: Mapping[str, Any], plugin: Any, schema: PairSchema) -> Any:
    """Of a finish, without the features' network and the eigenvalues of its moments, which it names."""
    from kdm.flops import Flops, finish_step_flops

    has_anchor, num_steps = bool(finish["anchor"]), finish["num_steps"]
    step = finish_step_flops(plugin, schema, finish["batch_size"], has_anchor=has_anchor)
    return step.times(num_steps).plus(Flops(0, ("features of the finish",)))
