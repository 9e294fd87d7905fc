"""All stages in this very process: quick to repeat, and faults can be set wherever code runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import flows.documents.content
import flows.stages.training
from flows.config.load import load_recipe
from flows.progress import Meter
from flows.stage import Asked, Run, StageResult
from flows.stages.sequence import STAGES, run_stages
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from storage.folders import Folder, folder_at
from storage.options import parse


def run_here(
    home: Path, *overrides: str, until: str = STAGES[-1], students: Iterable[str] = ()
) -> list[StageResult]:
    """The stages of `tiny` at a home; call `train_here` before where something must be trained."""
    asked = Asked(recipe="tiny", overrides=overrides)  # as the command notes it
    run = Run(load_recipe("tiny", overrides=overrides), folder_at(str(home)), asked=asked)
    with pytest.MonkeyPatch.context() as patch:
        without_galleries(patch)
        return run_stages(run, until=until, students=list(students))


def without_galleries(patch: pytest.MonkeyPatch) -> None:
    """Pages of reports without pictures, most of what a report takes, and in no digest."""
    patch.setattr(flows.documents.content, "galleries", lambda *students, **drawn: ())


def train_here(patch: pytest.MonkeyPatch) -> None:
    """Have stages train in this process, not in a child."""
    patch.setattr(flows.stages.training, "run_training", _train)


def _train(job: dict[str, Any], folder: Folder, meter: Meter, **_: Any) -> None:
    run_job(parse(TrainingJob, job, folder.name), report=lambda report: None)
