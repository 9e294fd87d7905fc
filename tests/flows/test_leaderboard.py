"""`kdm leaderboard`: a copy is never told apart from its original, a worse student is."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import faults_of, needs_browser
from conftest import Finished
from typer.testing import CliRunner

from flows.cli import app
from kdm.metrics.bootstrap import packed, unpacked
from storage.digest import seal, unseal


def command(home: Path, *words: str) -> str:
    ended = CliRunner().invoke(
        app, ["leaderboard", *words, "--home", str(home)], catch_exceptions=False
    )
    assert ended.exit_code == 0, ended.output
    return ended.output


def plant(home: Path, name: str, **changes: object) -> None:
    """A student under another name: the same files, with these changes in its documents."""
    own = min((home / "students").glob("kdm-*"), key=lambda each: len(each.name))
    place = home / "students" / f"{name}-{name.encode().hex():0<12.12}"
    shutil.copytree(own, place)
    for file, change in changes.items():
        path = place / f"{file}.json"
        document = unseal(path.read_bytes(), str(path))
        document.pop("digest")
        change(document)
        path.write_bytes(seal(document))


def board(home: Path) -> dict:
    (file,) = (home / "reports").glob("leaderboard-*/leaderboard.json")
    return json.loads(file.read_text())


def worse(document: dict) -> None:
    """Half as much error again, on every resample of the same noise."""
    document["values"]["paired_mse"] *= 1.5
    deviations = 1.01 * np.asarray(unpacked(document["deviations"]["paired_mse"]))
    document["deviations"]["paired_mse"] = packed(tuple(deviations))


def other_weights(document: dict) -> None:
    document["weights"]["sha256"] = "0" * 64
    document["identity"]["training"]["num_steps"] //= 2


def on_other_noise(document: dict) -> None:
    document["drawn_on"] = dict.fromkeys(document["drawn_on"], "1" * 64)


def unmeasured(document: dict) -> None:
    del document["values"]


def by_a_metric_of_others(document: dict) -> None:
    document["options"]["metrics"].append({"plugin": "theirs", "version": 1})


def other_seed(document: dict) -> None:
    document["weights"]["sha256"] = "1" * 64
    document["identity"]["training"]["seed"] += 1


def trained_again(document: dict) -> None:
    document["weights"]["sha256"] = "2" * 64


def a_little_worse(document: dict) -> None:
    document["values"]["paired_mse"] *= 1.01


@pytest.fixture(scope="module")
def told(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the command says of a student, its copy and four others, and the home."""
    home = finished.copy(tmp_path_factory.mktemp("leaderboard") / "home")
    plant(home, "planted")
    plant(home, "worse", metrics=worse, config=other_weights)
    plant(home, "elsewhere", metrics=on_other_noise, config=other_weights)
    plant(home, "later", metrics=unmeasured)
    plant(home, "foreign", metrics=by_a_metric_of_others)
    return command(home, "tiny", "--by", "paired_mse"), home


def test_a_copy_is_never_told_apart_and_a_worse_student_is(told: tuple[str, Path]) -> None:
    rows = {each["name"]: each for each in board(told[1])["rows"]}
    assert rows["kdm"]["not_told_apart_from"] == ["planted"]
    assert rows["planted"]["not_told_apart_from"] == ["kdm"]
    assert rows["planted"]["note"] == "same weights as kdm"
    assert rows["worse"]["not_told_apart_from"] == []


def test_numbers_on_other_noise_have_columns_of_their_own(told: tuple[str, Path]) -> None:
    said, home = told
    rows = {each["name"]: each for each in board(home)["rows"]}
    assert not set(rows["kdm"]["values"]) & set(rows["elsewhere"]["values"])
    assert rows["elsewhere"]["not_told_apart_from"] == []
    assert "Not all students were measured in one way; they differ in noise." in said


def test_a_student_that_was_measured_by_a_metric_that_is_missing_is_left_out(
    told: tuple[str, Path],
) -> None:
    assert "foreign is left out" in told[0]
    assert "foreign" not in {each["name"] for each in board(told[1])["rows"]}


def test_seeds_are_one_row_and_a_copy_is_no_seed(told: tuple[str, Path], tmp_path: Path) -> None:
    home = Path(shutil.copytree(told[1], tmp_path / "home"))
    plant(home, "kdm-1", metrics=a_little_worse, config=other_seed)
    plant(home, "kdm-0")  # a copy whose folder comes first
    plant(home, "trained-again", config=trained_again)  # elsewhere: other bits, the same seed
    command(home, "tiny", "--by", "paired_mse")
    rows = {each["name"]: each for each in board(home)["rows"]}
    assert rows["kdm"]["note"] == "mean of 2 seeds"
    assert rows["trained-again"]["note"] == "same settings and seed as kdm"
    assert rows["planted"]["note"] == rows["kdm-0"]["note"] == "same weights as kdm"
    assert "kdm" in rows["planted"]["not_told_apart_from"]
    assert "worse" not in rows["kdm"]["not_told_apart_from"]


def test_half_the_steps_are_half_the_flops(told: tuple[str, Path]) -> None:
    rows = {each["name"]: each for each in board(told[1])["rows"]}
    assert rows["kdm"]["training_flops"] == 2 * rows["worse"]["training_flops"]
    assert rows["kdm"]["sample_flops"] == rows["worse"]["sample_flops"] > 0


def test_a_student_without_numbers_is_listed_with_the_command_that_measures_it(
    told: tuple[str, Path],
) -> None:
    (absent,) = board(told[1])["not_measured"]
    assert absent["student"] == "later"
    assert "kdm evaluate" in absent["command"]


@needs_browser
def test_the_page_is_sound_in_a_browser(told: tuple[str, Path], browser: Any) -> None:
    (page,) = (told[1] / "reports").glob("leaderboard-*/report.html")
    assert faults_of(browser, page) == []


def test_a_set_whose_students_are_not_measured_lists_them(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "students/*/metrics.json")
    said = command(home, "tiny")
    assert "no student of tiny-" in said
    assert "kdm evaluate tiny" in said
    assert board(home)["rows"] == []


def test_a_set_without_students_is_refused_before_anything_is_written(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "students/*")
    ended = CliRunner().invoke(app, ["leaderboard", "tiny", "--home", str(home)])
    assert "has no student of tiny-" in str(ended.exception)
    assert not list((home / "reports").glob("leaderboard-*"))


def test_a_number_that_no_student_has_is_refused(told: tuple[str, Path]) -> None:
    ended = CliRunner().invoke(
        app, ["leaderboard", "tiny", "--by", "paired_mze", "--home", str(told[1])]
    )
    assert "paired_mse" in str(ended.exception)


def test_the_page_is_listed_and_removed_as_a_report_is(told: tuple[str, Path]) -> None:
    home = str(told[1])
    listed = CliRunner().invoke(app, ["ls", "--home", home]).output
    assert "leaderboard-tiny-" in listed
    assert "measured by metrics that aren't installed here" in listed
    removed = CliRunner().invoke(app, ["rm", "leaderboard-tiny", "--yes", "--home", home])
    assert removed.exit_code == 0, removed.output
    assert not list(Path(home, "reports").glob("leaderboard-*"))
