"""Students that start from the teacher of their pairs: found by the set's spec, told on their cards."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from faults.here import train_here
from small_teachers import edm_pickle
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from kdm.export import load_student
from kdm.trained import read_config
from storage.folders import folder_at

TRAINING = {"num_steps": 2, "batch_size": 4, "samples_every": 0, "trackers": []}
TINY = ("--set", "pairs.pairs.shape=[3, 8, 8]", "--layout", "wds-16", "--batch", "16")
TINY += ("--set", "pairs.heldout=16", "--count", "16")
TINY += ("--set", "pairs.sampler={plugin: edm-heun, num_steps: 2}")


STUDENT = {"name": "started", "model": {"plugin": "regression", "init": "teacher"}}


def distilled(home: Path, *words: str, seed: int = 0) -> Result:
    students = [{**STUDENT, "training": {**TRAINING, "seed": seed}}]
    chosen = ("--set", f"students={json.dumps(students)}", "--direct", "--home", str(home))
    return CliRunner().invoke(app, ["distill", "cifar10", *words, *chosen])


def test_a_student_of_an_imported_teacher_starts_from_its_weights_and_needs_it_never_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home, file = tmp_path / "home", edm_pickle(tmp_path / "net.pkl")
    words = ["teacher", "import", str(file), "--no-samples", "--home", str(home)]
    assert CliRunner().invoke(app, words).exit_code == 0
    first = distilled(home, "--teacher", "net", *TINY)
    assert first.exit_code == 0, (first.output, first.exception)
    (teacher,), (student,) = ((home / kind).iterdir() for kind in ("teachers", "students"))
    config = read_config(folder_at(str(student)))
    digest = read_config(folder_at(str(teacher)))["weights"]["sha256"]
    assert config["model"]["init"]["network"]["weights"] == digest
    assert config["identity"]["model"] == config["model"]
    said = " ".join((student / "card.md").read_text().split())
    assert f"started from its teacher's weights `{digest[:12]}`" in said
    pairs = next((home / "pairs").iterdir()).name
    elsewhere = distilled(tmp_path / "other", "--pairs", str(home / "pairs" / pairs))
    assert elsewhere.exit_code == 0, (elsewhere.output, elsewhere.exception)
    shutil.rmtree(teacher)
    assert "cached" in distilled(home, "--pairs", pairs).output
    assert load_student(str(student)).num_classes == 10
    refused = str(distilled(home, "--pairs", pairs, seed=1).exception)
    assert "starts from its teacher's weights" in refused
    assert "copy the teacher's folder there" in refused


def test_a_teacher_whose_weights_do_not_fit_is_refused_before_it_is_trained() -> None:
    students = json.dumps([{**STUDENT, "training": TRAINING}])
    recipe = load_recipe("checkerboard", overrides=[f"students={students}"])
    with pytest.raises(ValueError, match=r"student 'started': .*'flow-matching' isn't a denoiser"):
        recipe.require_learnable(recipe.students)
