"""What the command line is told of a training process."""

from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.progress import Meter, Progress, silent
from flows.stages.child import run_training
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from storage.folders import Folder
from storage.options import parse


def job(folder: Folder, **training: Any) -> dict[str, Any]:
    options = {"num_steps": 20, "batch_size": 8, "warmup_steps": 2, "log_every": 10}
    return {
        "group": "pairgen.teachers",
        "model": {"plugin": "flow-matching", "width": 8, "num_layers": 2},
        "source": {"kind": "dataset", "dataset": {"kind": "checkerboard", "num_train": 500}},
        "training": options | training,
        "folder": folder.url,
        "device": "cpu",
    }


def test_a_training_process_tells_its_rate_in_samples_beside_its_losses(home: Folder) -> None:
    told: list[Progress] = []
    run_training(job(home), home, Meter(told.append, "train-teacher", "fm", 20, "steps"))
    assert told[-1].done == 20
    rate, unit, term, value = told[-1].note.split()[:4]
    assert float(rate.replace(",", "")) > 0
    assert (unit, term) == ("samples/s", "flow-matching")
    assert float(value) > 0


def test_what_a_training_process_wants_known_is_said(home: Folder) -> None:
    run_job(parse(TrainingJob, job(home), "job"), report=lambda _: None)
    for name in ("config.json", "checkpoints/step-00000020.safetensors"):
        home.remove(name)
    said: list[str] = []
    run_training(
        job(home), home, Meter(silent, "train-teacher", "fm", 20, "steps"), say=said.append
    )
    assert [sentence.split("; ")[-1] for sentence in said] == [
        "continuing from the checkpoint before"
    ]


@pytest.mark.parametrize("command", ["train-teacher", "run"])
def test_ranks_that_would_make_another_training_are_refused_before_one_is_started(
    home: Folder, command: str
) -> None:
    words = [command, "tiny", "--home", home.url, "--direct", "--ranks", "2"]
    ended = CliRunner().invoke(app, words)
    assert isinstance(ended.exception, ValueError)
    assert "2 ranks" in str(ended.exception)
    assert "training.draws to 'sample'" in str(ended.exception)
    assert not home.files()
