"""A run asks the store what is missing, and makes that and nothing else."""

from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import kdm
from faults.digests import assert_equal, digests_of
from faults.here import run_here, train_here
from typer.testing import CliRunner

from flows.cli import app
from flows.stages.sequence import STAGES
from pairgen.filters.near_copy import FittedNearCopy
from pairgen.samplers.midpoint import Midpoint

SHORT = "{num_steps: 8, batch_size: 32, warmup_steps: 2, log_every: 4, checkpoint_every: 4}"
FIRST = f"{{name: first, model: {{plugin: regression, width: 8}}, training: {SHORT}}}"
NETWORKS = "{latent_dim: 4, width: 8}"
SECOND = f"{{name: second, model: {{plugin: kdm, networks: {NETWORKS}}}, training: {SHORT}}}"
OTHER_STUDENTS = f"students=[{FIRST}, {SECOND}]"


def times(home: Path, pattern: str = "*") -> dict[str, int]:
    """When each file was last written, in nanoseconds."""
    files = [file for file in home.rglob(pattern) if file.is_file()]
    return {str(file.relative_to(home)): file.stat().st_mtime_ns for file in files}


@pytest.fixture
def no_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*asked: object) -> None:
        raise AssertionError("the teacher was asked")

    monkeypatch.setattr(Midpoint, "sample", refuse)


def test_a_second_run_finds_every_stage_done_and_writes_nothing(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    before = times(home)
    results = run_here(home)
    assert [result.state for result in results] == ["cached"] * len(STAGES)
    assert times(home) == before


def test_a_second_command_says_that_all_is_cached(finished: Finished) -> None:
    said = CliRunner().invoke(app, kdm(finished.path)[1:]).output
    assert said.count("cached") == len(STAGES)
    assert " done in " not in said


def test_all_students_read_the_same_shards_and_nothing_is_generated_again(
    finished: Finished, tmp_path: Path, no_teacher: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home = finished.copy(tmp_path / "home")
    results = run_here(home, OTHER_STUDENTS)
    made = [result.name.rpartition("-")[0] for result in results if result.state == "done"]
    assert made[:4] == ["first", "second", "first", "second"]
    assert digests_of(home).items() >= finished.digests.items()
    assert times(home, "*.tar") == times(finished.path, "*.tar")


def test_a_new_threshold_asks_no_teacher_and_scores_nothing_again(
    finished: Finished, tmp_path: Path, no_teacher: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished.copy(tmp_path / "home")
    scores = {name: when for name, when in times(home).items() if "/scores/" in name}

    def refuse(*asked: object) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(FittedNearCopy, "score", refuse)
    *_, before = run_here(home, until="filter-pairs")
    *_, after = run_here(home, "filters.near-copy.threshold=0.05", until="filter-pairs")
    assert after.state == "done"
    assert after.facts["masks"][0]["score"] == before.facts["masks"][0]["score"]
    assert after.facts["masks"][0]["decision"] != before.facts["masks"][0]["decision"]
    assert {name: times(home)[name] for name in scores} == scores


def test_growth_adds_shards_and_a_manifest_and_changes_none_that_was_there(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    run_here(home, "pairs.train=3000", until="generate-pairs")
    now = digests_of(home)
    added = {name.partition("/wds-256/")[2] for name in now if name not in finished.digests}
    assert "manifests/000012.json" in added
    assert len([name for name in added if name.endswith(".tar")]) == 4
    pairs = {name: digest for name, digest in finished.digests.items() if "card.md" not in name}
    assert_equal({name: now[name] for name in pairs}, pairs)


def test_a_run_up_to_a_stage_makes_what_it_rests_on_and_no_more(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "pairs", "students", "reports")
    stages = [result.stage for result in run_here(home, until="filter-pairs")]
    assert stages == ["train-teacher", "generate-pairs", "filter-pairs"]
    assert not (home / "students").exists()
    expected = {n: d for n, d in finished.digests.items() if n.startswith(("pairs", "teachers"))}
    assert_equal(digests_of(home), expected)
