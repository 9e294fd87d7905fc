"""A student that cannot learn a recipe's samples is refused before its teacher is trained."""

from pathlib import Path

import pytest
from faults.here import run_here

from flows.config.load import load_recipe
from flows.stage import Run
from flows.stages.sequence import run_stages
from storage.folders import folder_at


def test_points_are_refused_where_a_distance_compares_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="student 'kdm': distance 'random-features' compares"):
        run_here(tmp_path, "students.kdm.model.losses.distance=random-features")
    assert list(tmp_path.iterdir()) == []


def test_missing_weights_are_told_before_any_pair_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    recipe = load_recipe("scale", overrides=["students.regression.model.distance=lpips"])
    with pytest.raises(ValueError, match=r"student 'regression': .* needs vgg16-397923af\.pth"):
        run_stages(Run(recipe, folder_at(str(tmp_path))), until="distill")
    assert list(tmp_path.iterdir()) == []


def test_tf32_of_a_student_is_refused_before_its_teacher_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="precision of student 'kdm' is 'tf32'"):
        run_here(tmp_path, "students.kdm.training.precision=tf32")
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_student_of_states_is_refused_before_the_teacher_of_pairs_without_any(
    tmp_path: Path,
) -> None:
    model = "{plugin: kdm-t}"
    with pytest.raises(ValueError, match=r"student 'kdm': .*in pairs\.pairs\.num_states"):
        run_here(tmp_path, f"students.kdm.model={model}")
    assert list(tmp_path.iterdir()) == []


def test_averages_that_would_take_all_pairs_are_refused_before_the_teacher_is_trained(
    tmp_path: Path,
) -> None:
    ema = "{others: [{decay: 0.9}], choose_on: 2000}"
    with pytest.raises(ValueError, match=r"student 'kdm': .*keeps 2,000 pairs .* there are 2,000"):
        run_here(tmp_path, f"students.kdm.training.ema={ema}")
    assert list(tmp_path.iterdir()) == []
