"""The start from a teacher in a training: read once, resumed without it, part of the name."""

from typing import Any

import pytest
import safetensors.torch
import torch
from picture_pairs import LAYOUT, SCHEMA, filled
from small_unet import PLUGIN

from kdm.export import load_student, write_trained
from kdm.students.teacher_start import TeacherNetwork
from kdm.trained import read_config
from kdm.training.errors import Interrupted
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from pairgen.teachers.edm_field import EdmField
from storage.digest import sha256_of
from storage.errors import DamageError
from storage.folders import Folder
from storage.options import parse

TEACHER = PLUGIN.model_copy(update={"dropout": 0.1})
TRAINING = {
    "num_steps": 6,
    "batch_size": 16,
    "warmup_steps": 0,
    "checkpoint_every": 2,
    "samples_every": 0,
    "trackers": [],
    "ema": {"decay": 0.5, "warmup": None},
}


def field() -> EdmField:
    torch.manual_seed(3)
    return TEACHER.build(SCHEMA.shape).eval()


def write_teacher(folder: Folder) -> str:
    """A finished teacher's folder; the digest of its weights."""
    state = field().state_dict()
    config = {"group": "pairgen.teachers", "model": {}, "shape": [1, 8, 8], "identity": {}}
    write_trained(folder, state, config=config, losses=[], timings={})
    return sha256_of(folder.read("model.safetensors"))


def job(home: Folder, folder: str = "student", **changes: Any) -> TrainingJob:
    if not home.exists("pairs"):
        filled(home / "pairs")
    digest = sha256_of(safetensors.torch.save(field().state_dict()))
    if not home.exists("teacher"):
        digest = write_teacher(home / "teacher")
    network = TeacherNetwork.of(*TEACHER.network_for_students(SCHEMA.shape), digest)
    described = {
        "group": "kdm.students",
        "model": {
            "plugin": "regression",
            "init": {"network": network.model_dump(), "dropout": 0.1},
        },
        "source": {"kind": "pairs", "url": (home / "pairs").url, "layout": LAYOUT, "count": 64},
        "training": TRAINING,
        "folder": (home / folder).url,
        "device": "cpu",
        "teacher": (home / "teacher").url,
    }
    return parse(TrainingJob, described | changes, "job")


def run(some: TrainingJob, **options: Any) -> None:
    run_job(some, report=lambda said: None, **options)


def remove(folder: Folder) -> None:
    for name in folder.files():
        folder.remove(name)


def test_one_step_of_rate_0_leaves_weights_and_average_as_the_teacher_has_them(
    home: Folder,
) -> None:
    still = {**TRAINING, "num_steps": 1, "learning_rate": 1e-30}
    run(job(home, training=still))
    student, teacher = load_student(home / "student"), field()
    x_T, label = 80 * torch.randn(4, 1, 8, 8), torch.arange(4)
    wanted = teacher.denoised(x_T, torch.full((1,), 80.0), label)
    found = student.requires_grad_(True).generate(x_T, label)
    assert torch.allclose(found, wanted, atol=1e-6)
    assert not torch.allclose(found, torch.zeros_like(found), atol=1e-4)


def test_a_run_continues_without_the_teacher_and_ends_with_the_same_bytes(home: Folder) -> None:
    run(job(home, "whole"))
    asked = iter([False, False, False, True])
    with pytest.raises(Interrupted):
        run(job(home), should_stop=lambda: next(asked))
    remove(home / "teacher")
    run(job(home, teacher=None))
    for name in ("model.safetensors", "losses.json", "config.json"):
        assert (home / "whole").read(name) == (home / "student").read(name)
    assert load_student(home / "student").num_classes == 10


def test_the_name_has_the_teachers_digest_and_not_its_place(home: Folder) -> None:
    here = job(home)
    assert job(home, teacher="/elsewhere").identity() == here.identity()
    network = dict(here.identity()["model"]["init"]["network"])
    assert network["weights"] == sha256_of((home / "teacher").read("model.safetensors"))
    other = {"plugin": "regression", "init": {"network": network | {"weights": "0" * 64}}}
    assert job(home, model=other).identity() != here.identity()


def test_a_teacher_that_is_missing_or_another_or_damaged_is_told_in_one_sentence(
    home: Folder,
) -> None:
    for teacher in (None, (home / "nothing").url):
        with pytest.raises(ValueError, match=r"no folder below the home's teachers/ holds; copy"):
            run(job(home, teacher=teacher))
    (home / "teacher").replace("model.safetensors", b"other")
    with pytest.raises(DamageError, match=r"model\.safetensors is not what"):
        run(job(home))
    assert not (home / "student" / "checkpoints").files()


def test_a_finish_starts_from_the_trained_student_and_needs_no_teacher(home: Folder) -> None:
    first = job(home)
    run(first)
    config = read_config(home / "student")
    assert config is not None
    options = {"num_steps": 1, "batch_size": 16, "learning_rate": 1e-30}
    features = {"kind": "random-features", "width": 2}
    finish = {
        "options": {**options, "features": features},
        "student": (home / "student").url,
        "weights": config["weights"]["sha256"],
    }
    changes = {"finish": finish, "training": {**TRAINING, **options, "schedule": "cosine"}}
    run(job(home, "finished", **changes, teacher=None))
    x_T, label = 80 * torch.randn(4, 1, 8, 8), torch.arange(4)
    before, after = (load_student(home / name) for name in ("student", "finished"))
    assert torch.allclose(after.generate(x_T, label), before.generate(x_T, label), atol=1e-5)
    assert "teacher" not in job(home, teacher=None).model_dump(mode="json")
