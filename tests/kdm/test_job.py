"""A job as data: what it leaves behind, when it is done, and what it refuses."""

import io
import json
from typing import Any

import pytest
import torch
from conftest import LAYOUT, filled_store

from kdm.export import load_student
from kdm.students.koopman_student import KoopmanStudent
from kdm.trained import read_config
from kdm.training.job import TrainingJob
from kdm.training.progress import JsonLines, Meter, Notice, Progress
from kdm.training.run_job import run_job
from storage.digest import sha256_of, unseal
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.options import parse

NETWORKS = {"latent_dim": 4, "width": 4, "num_encoder_layers": 2, "num_decoder_layers": 2}
TRAINING = {"num_steps": 6, "batch_size": 16, "warmup_steps": 2, "checkpoint_every": 4}


def described(home: Folder, **changes: Any) -> dict[str, Any]:
    if not home.exists("pairs"):
        filled_store(home / "pairs", 300)
    pairs = {"kind": "pairs", "url": (home / "pairs").url, "layout": LAYOUT, "count": 300}
    return {
        "group": "kdm.students",
        "model": {"plugin": "kdm", "networks": NETWORKS},
        "source": pairs,
        "training": TRAINING,
        "folder": (home / "student").url,
        "device": "cpu",
    } | changes


def job(home: Folder, **changes: Any) -> TrainingJob:
    return parse(TrainingJob, described(home, **changes), "job")


def run(some: TrainingJob) -> list[Progress | Notice]:
    said: list[Progress | Notice] = []
    run_job(some, report=said.append)
    return said


def test_a_done_job_leaves_weights_losses_timings_and_config(home: Folder) -> None:
    run(job(home))
    student = home / "student"
    config = read_config(student)
    assert config is not None
    assert config["weights"]["sha256"] == sha256_of(student.read("model.safetensors"))
    assert config["parameters"]["trainable"] > config["parameters"]["inference"]
    assert unseal(student.read("losses.json"), "losses")["losses"][-1]["step"] == 6
    assert unseal(student.read("timings.json"), "timings")["seconds"] > 0


def test_a_distance_that_cannot_compare_the_samples_is_refused_before_a_student_is_built(
    home: Folder,
) -> None:
    with pytest.raises(ValueError, match="compares pictures"):
        run(job(home, model={"plugin": "kdm", "losses": {"distance": "random-features"}}))
    assert not (home / "student").files()


def test_a_done_job_is_not_done_again(home: Folder) -> None:
    assert run(job(home))
    assert run(job(home)) == []


def test_two_runs_leave_the_same_bytes_but_for_times(home: Folder) -> None:
    run(job(home))
    run(job(home, folder=(home / "again").url))
    for name in ("model.safetensors", "losses.json", "config.json"):
        assert (home / "student").read(name) == (home / "again").read(name)


def test_another_job_in_a_done_folder_is_refused_by_the_field_that_differs(home: Folder) -> None:
    run(job(home))
    with pytest.raises(MismatchError, match=r"differs in training\.learning_rate"):
        run(job(home, training={**TRAINING, "learning_rate": 0.1}))


def test_neither_place_nor_checkpoints_belong_to_the_identity(home: Folder) -> None:
    other = job(home, folder="/elsewhere", training={**TRAINING, "checkpoint_every": 1})
    assert other.identity() == job(home).identity()


@pytest.mark.parametrize("change", [{"seed": 1}, {"num_steps": 7}, {"log_every": 3}])
def test_numbers_of_training_belong_to_the_identity(home: Folder, change: dict[str, int]) -> None:
    assert job(home, training={**TRAINING, **change}).identity() != job(home).identity()


def test_damaged_weights_are_found_by_name(home: Folder) -> None:
    run(job(home))
    (home / "student").replace("model.safetensors", b"other")
    with pytest.raises(DamageError, match=r"model\.safetensors is not what"):
        run(job(home))
    with pytest.raises(DamageError, match=r"model\.safetensors is not what"):
        load_student(home / "student")


def test_a_loaded_student_has_the_trained_weights_and_leaves_the_random_stream(
    home: Folder,
) -> None:
    run(job(home))
    state = torch.random.get_rng_state()
    student = load_student((home / "student").url)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert isinstance(student, KoopmanStudent)
    assert student.generate(torch.zeros(3, 2)).shape == (3, 2)
    assert not any(each.requires_grad for each in student.parameters())


def test_a_folder_without_a_student_is_refused(home: Folder) -> None:
    with pytest.raises(ValueError, match="holds no trained student"):
        load_student(home / "nothing")


def test_a_teacher_learns_from_a_data_set_by_the_same_trainer(home: Folder) -> None:
    dataset = {"kind": "dataset", "dataset": {"kind": "checkerboard", "num_train": 500}}
    model = {"plugin": "flow-matching", "width": 8}
    run(job(home, group="pairgen.teachers", model=model, source=dataset))
    config = read_config(home / "student")
    assert config is not None
    assert (config["group"], config["shape"], config["schema"]) == ("pairgen.teachers", [2], None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"plugin": "kmd"}}, "did you mean 'kdm'"),
        ({"model": {"plugin": "kdm", "data_scal": 2}}, "did you mean 'data_scale'"),
        ({"training": {"learning_rat": 1}}, "did you mean 'learning_rate'"),
        ({"group": "kdm.student"}, "group"),
        ({"source": {"kind": "dataset", "dataset": {"kind": "digits"}}}, "learns from pairs"),
    ],
)
def test_a_wrong_job_is_refused_in_words(home: Folder, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        job(home, **change)


def test_progress_is_a_json_object_a_line() -> None:
    stream = io.StringIO()
    JsonLines(stream)(Meter(0, 10).at(5, {"pred": 0.5}))
    rates = {"steps_per_second", "samples_per_second", "eta_seconds"}
    assert json.loads(stream.getvalue()).keys() == {"step", "num_steps", "losses", *rates}


def test_a_reader_that_is_gone_does_not_stop_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    lines = JsonLines(Gone())
    lines(Notice("one"))
    lines(Notice("two"))


def test_rate_and_time_left_count_from_where_the_run_resumed() -> None:
    meter = Meter(first_step=900, num_steps=1000)
    progress = meter.at(950, {})
    assert progress.eta_seconds * progress.steps_per_second == pytest.approx(50, rel=0.2, abs=60)
