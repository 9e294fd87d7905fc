"""What a finished training leaves in its folder (kdm/export.py lists the files)."""

import resource
import sys
from typing import Any

from torch import nn

from kdm.export import write_trained
from kdm.students.student import Student
from kdm.training.average_choice import Choice
from kdm.training.job import TrainingJob
from kdm.training.trainer import TrainingResult
from storage.folders import Folder
from storage.plugins import describe

# ru_maxrss is in kilobytes on Linux and in bytes on macOS (getrusage(2)).
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def write_finished(
    folder: Folder,
    job: TrainingJob,
    *,
    identity: dict[str, Any],
    result: TrainingResult,
    choice: Choice | None = None,
) -> None:
    """Write the averaged weights, losses and timings of a finished job, and last its config.json.

    The config names everything that the weights depend on; times and memory, which differ between equal
    runs, go to timings.json. Without a `choice` the first average is the result.
    """
    exported = result.averages[choice.chosen if choice else 0]
    schema = job.source.pair_schema()
    config: dict[str, Any] = {
        "group": job.group,
        "model": describe(job.model),
        "shape": list(schema.shape),
        "schema": schema.model_dump(mode="json") if job.source.kind == "pairs" else None,
        "identity": identity,
        "num_steps": job.training.num_steps,
        "parameters": _num_parameters(exported.model),
        **result.counts,
    }
    if job.finish is not None:
        config["finished"] = job.finish.before()
    if choice is not None:
        config["averages"] = choice.document(job.training)
    num_steps = job.training.num_steps
    timings = {
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "steps_per_second": num_steps / result.seconds,
        "cpu_seconds_per_step": result.cpu_seconds / num_steps,
        "num_ranks": result.num_ranks,
        "paces": result.paces,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES,
        **({"before": job.finish.took_before()} if job.finish else {}),
    }
    write_trained(
        folder, exported.model_state(), config=config, losses=result.losses, timings=timings
    )


def _num_parameters(model: nn.Module) -> dict[str, int]:
    """How many numbers train, and for a student how many a sample passes through."""
    if isinstance(model, Student):
        return {
            "trainable": model.num_trainable_parameters(),
            "inference": model.num_inference_parameters(),
        }
    return {"trainable": sum(each.numel() for each in model.parameters() if each.requires_grad)}
