"""The comparison of training steps with the published code, and what it needs."""

import os
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Not a package that is installed."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    import benchmarks.student_steps

    return benchmarks.student_steps


def test_the_comparison_says_what_it_needs(steps: ModuleType, tmp_path: Path) -> None:
    assert "git clone" in " ".join(steps.table())
    assert "holds no trainer/trainer.py" in " ".join(steps.table(str(tmp_path)))


def test_a_row_is_the_share_of_the_published_time(steps: ModuleType) -> None:
    case, (how, *_) = next(iter(steps.CASES.items()))
    took = [steps.Took(wall=9, cpu=cpu) for cpu in (4.0, 2.0)]
    row = steps._row(case, how, (took[0],) * 3, (took[1],) * 3)
    assert "| 4 | 2 | 0.500 (0.500 to 0.500) | ≤ 0.88 |" in row


@pytest.mark.trials
def test_both_sides_have_the_same_losses(steps: ModuleType, tmp_path: Path) -> None:
    clone = os.environ.get("KDM_CLONE")
    if clone is None:
        pytest.skip("no published code to compare with (KDM_CLONE: a clone of azencot-group/KDM)")
    case = next(iter(steps.CASES))
    steps.write_inputs(str(tmp_path), case)
    steps.require_equal(str(tmp_path), case, clone)
