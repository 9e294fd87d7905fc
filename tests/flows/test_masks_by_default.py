"""One default for all who read judged pairs: the recipe's decision, else a refusal with the choices."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import Result
from conftest import Finished
from faults.here import run_here, train_here
from typer.testing import CliRunner

from flows.cli import app
from kdm.trained import read_config
from storage.folders import folder_at

UNFILTERED = ("--set", "filters=[]", "--set", "privacy.required=false")


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    return finished.copy(tmp_path / "home", "students", "reports")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    train_here(monkeypatch)


def kdm(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def refused(home: Path, *words: str) -> str:
    ended = kdm(home, *words)
    assert ended.exit_code != 0
    return str(ended.exception)


def done(home: Path, *words: str) -> str:
    ended = kdm(home, *words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.output


def exported(home: Path, place: Path, *words: str) -> str:
    return done(home, "pairs", "export", "tiny", str(place), "--to", "per-sample", *words)


def distill(home: Path, *words: str, steps: int = 2) -> str:
    short = f"students.kdm.training.num_steps={steps}"
    return done(home, "distill", "tiny", "--direct", "--device", "cpu", "--set", short, *words)


def decisions(home: Path) -> list[str]:
    return sorted(place.name for place in home.glob("pairs/*/train/wds-256/masks/*/decisions/*"))


def masks_of_students(home: Path) -> list[int]:
    configs: Iterable[Path] = home.glob("students/*/config.json")
    read = [read_config(folder_at(str(path.parent))) for path in configs]
    return sorted(len(each["identity"]["source"]["masks"]) for each in read if each)


def test_a_run_without_filters_does_not_unmask_what_others_export(
    home: Path, tmp_path: Path
) -> None:
    distill(home, *UNFILTERED, "--mask", "none")
    assert masks_of_students(home) == [0]
    said = exported(home, tmp_path / "out")
    assert f"without what {decisions(home)[0]} drops" in said


def test_a_recipe_without_filters_refuses_judged_pairs_and_lists_the_choices(home: Path) -> None:
    words = ("distill", "tiny", "--direct", *UNFILTERED)
    said = refused(home, *words)
    assert "recipe 'tiny' doesn't have filters, but its pairs were filtered" in said
    assert f"--mask none; there are: {decisions(home)[0]} (near-copy, threshold" in said
    assert not (home / "students").exists()
    assert "is the beginning of 0 decisions" in refused(home, *words, "--mask", "0123abcd")
    assert "a decision and none at once" in refused(
        home, *words, "--mask", "none", "--mask", "0123"
    )
    assert "leave out --mask" in refused(home, "distill", "tiny", "--mask", "none", "--direct")


def test_a_recipe_without_filters_reads_by_the_decision_that_is_named(home: Path) -> None:
    distill(home, *UNFILTERED, "--mask", decisions(home)[0][:6])
    assert masks_of_students(home) == [1]
    distill(home)
    assert len(list(home.glob("students/*/config.json"))) == 1  # the very student of the recipe


def test_of_two_decisions_a_recipe_without_filters_and_an_export_take_those_that_are_named(
    home: Path, tmp_path: Path
) -> None:
    run_here(home, "filters.near-copy.fpr=0.3", until="filter-pairs")
    words = ("pairs", "export", "tiny", str(tmp_path / "out"), "--to", "per-sample")
    said = refused(home, *words)
    assert "no run of this home says which to use: name one or several with --mask" in said
    assert all(each in said for each in decisions(home))
    both = [word for each in decisions(home) for word in ("--mask", each)]
    assert "drops" in exported(home, tmp_path / "out", *both)
    distill(home, *UNFILTERED, *both)
    assert masks_of_students(home) == [2]


def test_another_layout_of_judged_pairs_is_not_exported_whole_without_a_word(
    home: Path, tmp_path: Path
) -> None:
    done(home, "pairs", "convert", "tiny", "--to", "wds-64")
    words = ("pairs", "export", "tiny", str(tmp_path / "out"), "--to", "kdm-npz")
    said = refused(home, *words, "--layout", "wds-64")
    assert "train/wds-64 has no filter decision, but heldout/wds-256 and train/wds-256" in said
    assert "run filter-pairs on this one" in said
    assert not (tmp_path / "out").exists()
