"""What `kdm ls` says of things: of what, since when, and in what they differ."""

import json
import os
import re
from pathlib import Path

import pytest
from conftest import Finished
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.differences import differences
from storage.digest import seal, unseal

BASE = {"model": {"width": 64, "seed": 1}, "training": {"seed": 1, "num_steps": 10}}


def listed(home: Path) -> str:
    ended = CliRunner().invoke(app, ["ls", "--home", str(home)])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_only_what_is_not_the_same_for_all_is_said_by_the_shortest_name_that_is_clear() -> None:
    wide = {"model": {"width": 128, "seed": 2}, "training": {"seed": 3, "num_steps": 10}}
    said = differences({"a": BASE, "b": wide})
    assert said["a"] == "width=64, model.seed=1, training.seed=1"
    assert said["b"] == "width=128, model.seed=2, training.seed=3"
    assert differences({"a": BASE, "b": BASE}) == {"a": "", "b": ""}


def test_digests_are_short_and_many_differences_are_cut() -> None:
    first = {"weights": "a" * 64, **{f"k{number}": 0 for number in range(5)}}
    other = {"weights": "b" * 64, **{f"k{number}": 1 for number in range(5)}}
    assert differences({"a": first, "b": other})["a"] == "weights=aaaaaaaaaaaa, k0=0, k1=0, k2=0, …"


def test_ls_says_recipe_and_date_in_a_hundred_columns(finished: Finished) -> None:
    said = listed(finished.path)
    for line in said.splitlines():
        assert len(line) <= 100 or str(finished.path) in line
    for model in ("flow-matching", "kdm"):
        assert re.search(rf" {model} +tiny +\d{{4}}-\d\d-\d\d \d\d:\d\d ", said)


def test_students_of_one_kind_are_told_apart_by_what_differs(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    (student,) = (home / "students").iterdir()
    other = finished.copy(tmp_path / "other") / "students" / student.name
    other = other.rename(home / "students" / "kdm-0123456789ab")
    config = unseal((other / "config.json").read_bytes(), "config.json")
    config["identity"]["training"]["num_steps"] += 1
    (other / "config.json").write_bytes(seal(config))
    steps = json.loads((student / "config.json").read_text())["num_steps"]
    said = listed(home)
    assert f"num_steps={steps}; in_cells" in said
    assert f"num_steps={steps + 1}; in_cells" in said


@pytest.mark.parametrize(
    ("file", "words"), [("{", "damaged"), ("{}", "damaged"), (None, "unfinished")]
)
def test_a_study_that_cannot_be_read_is_listed_as_such(
    file: str | None, words: str, tmp_path: Path
) -> None:
    folder = tmp_path / "studies" / "losses-on-digits-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "index.html").touch()
    if file is not None:
        (folder / "numbers.json").write_text(file)
    assert re.search(rf" {folder.name}( +–){{2}} +{words} ", listed(tmp_path))


def test_a_long_change_of_a_run_takes_no_page_of_the_list(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    (run,) = home.glob("reports/tiny-*/run.json")
    document = unseal(run.read_bytes(), "run.json")
    document["asked"]["overrides"] = ["students=" + "x" * 5000]
    run.write_bytes(seal(document))
    assert "x…" in listed(home)
    assert max(len(line) for line in listed(home).splitlines()) < 300


def test_a_set_is_finished_when_its_manifest_was_written_whatever_others_put_beside_it(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    (manifest,) = home.glob("pairs/*/train/*/manifests/*.json")
    os.utime(manifest, (10**9, 10**9))  # 2001-09-09
    manifest.with_name("000008.json~").touch()
    assert re.search(r"train/wds-256 .* 2001-09-0\d \d\d:\d\d$", listed(home), re.MULTILINE)
