"""--dry-run: it says what is there and what would be made, and writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import Finished
from faults.digests import assert_equal, digests_of
from test_json import commands
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from storage.folders import folder_at
from storage.folders.untouched import WouldWriteError, untouched

RECIPE = load_recipe("tiny")
_LOOKS = "it only looks"
# Commands without --dry-run, and why.
WITHOUT = {
    **dict.fromkeys(("show", "ls", "config", "doctor", "study list", "study human score"), _LOOKS),
    **dict.fromkeys(("pairs ls", "pairs show", "pairs verify", "pairs who"), _LOOKS),
    **dict.fromkeys(("pairs spot-check", "teacher check", "student check"), _LOOKS),
    "student presets": _LOOKS,
    "pairs symmetry": "it asks the teacher, and keeps nothing but the answer",
    "pairs purge": "it only prints what would go, unless --yes is given",
}


def steps(home: Path, *words: str) -> list[dict[str, Any]]:
    ended = CliRunner().invoke(app, [*words, "--dry-run", "--json", "--home", str(home)])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return json.loads(ended.stdout)["stages"]


def states(home: Path, *words: str) -> dict[str, str]:
    return {each["stage"]: each["state"] for each in steps(home, *words)}


def test_a_finished_run_is_cached_and_its_home_stays(finished: Finished) -> None:
    assert set(states(finished.path, "run", "tiny").values()) == {"cached"}
    assert len(states(finished.path, "run", "tiny", "--until", "filter-pairs")) == 3
    assert_equal(digests_of(finished.path), finished.digests)


def test_a_missing_student_is_named_with_its_steps(finished: Finished, tmp_path: Path) -> None:
    home = finished.copy(tmp_path / "home", "students/*")
    found = {each["stage"]: each for each in steps(home, "run", "tiny")}
    training = RECIPE.students[0].training
    assert found["distill"]["cost"] == {
        "steps": training.num_steps,
        "samples": training.num_steps * training.batch_size,
    }
    assert [found[stage]["state"] for stage in ("filter-pairs", "distill", "evaluate")] == [
        *("cached", "to make", "to make")
    ]
    assert list((home / "students").iterdir()) == []


def test_missing_pairs_are_counted_and_what_learns_from_them_is_unknown(
    finished: Finished,
) -> None:
    found = {each["stage"]: each for each in steps(finished.path, "run", "tiny", "--count", "4096")}
    cost = found["generate-pairs"]["cost"]
    assert (cost["pairs"], cost["evaluations"]) == (2048, 2048 * 8)  # four steps of midpoint
    assert cost["bytes"] > 2048 * 2 * 2 * 4
    assert found["generate-pairs"]["state"] == "to make"
    assert found["distill"]["state"] == "unknown"
    assert_equal(digests_of(finished.path), finished.digests)


def test_a_home_that_is_not_there_stays_away(tmp_path: Path) -> None:
    found = steps(tmp_path / "home", "generate-pairs", "tiny")
    assert [each["state"] for each in found] == ["to make", "unknown"]
    assert found[1]["cost"] == {"pairs": RECIPE.pairs.train + RECIPE.pairs.heldout}
    assert list(tmp_path.iterdir()) == []


def test_the_table_says_that_nothing_was_made(finished: Finished) -> None:
    words = ["train-teacher", "tiny", "--dry-run", "--home", str(finished.path)]
    said = CliRunner().invoke(app, words).stdout
    assert "cached" in said
    assert said.endswith("nothing was made\n")


def test_a_dry_run_refuses_what_the_run_refuses(tmp_path: Path) -> None:
    words = ["run", "tiny", "--until", "distil", "--dry-run", "--home", str(tmp_path)]
    assert "no stage 'distil'" in str(CliRunner().invoke(app, words).exception)


def test_a_folder_that_is_only_looked_at_neither_writes_nor_removes(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"1")
    with untouched():
        folder = folder_at(str(tmp_path))
    folder.remove("there")
    (folder / "below").sweep()
    folder.replace("there", b"2")
    with pytest.raises(WouldWriteError):
        (folder / "below").create("new", b"2")
    assert folder.read("there") == b"1"
    assert folder.names() == ["there"]


def test_every_command_that_makes_or_removes_something_has_a_dry_run() -> None:
    found = commands(typer.main.get_command(app))
    lacking = {
        name
        for name, command in found.items()
        if "--dry-run" not in {word for each in command.params for word in each.opts}
    }
    assert lacking == WITHOUT.keys()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rm", "students/kdm"], "would go; nothing was removed"),
        (["pairs", "gc"], "nothing to remove"),
        (
            ["pairs", "convert", "tiny", "--to", "zarr-512"],
            "train/zarr-512: 4 shards, about 32.8 kB",
        ),
        (["pairs", "export", "tiny", "out", "--to", "per-sample"], "drops; nothing was written"),
        (
            ["pairs", "export", "tiny", "out", "--to", "rectified-flow"],
            "drops; nothing was written",
        ),
        (["sample", "kdm", "--out", "few.npy"], "/few.npy; nothing was drawn"),
        (["sample", "kdm"], "64 samples of kdm-"),
        (["teacher", "samplers", "tiny"], "nothing was made"),
        (["leaderboard", "tiny"], "report.html; nothing was written"),
    ],
    ids=str,
)
def test_commands_beside_the_stages_change_nothing_either(
    finished: Finished,
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, [*words, "--dry-run", "--home", str(finished.path)])
    assert told in ended.stdout, (ended.output, ended.exception)
    assert_equal(digests_of(finished.path), finished.digests)
    assert list(tmp_path.iterdir()) == []


def test_dry_runs_refuse_what_their_commands_refuse(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    for words, told in (
        (["sample", "kdm", "--label", "1"], "isn't class-conditional"),
        (["sample", "kdm", "--out", "few.txt"], "name a file that ends in"),
        (["export", "kdm", "--to", "diffusers", "--out", "full"], "isn't empty"),
        (
            ["pairs", "export", "tiny", "full", "--to", "per-sample"],
            "holds 'mine', which no export",
        ),
        (["pairs", "export", "tiny", "out", "--to", "png"], "per-sample"),
    ):
        for dry in ([], ["--dry-run"]):
            ended = CliRunner().invoke(app, [*words, *dry, "--home", str(finished.path)])
            assert told in str(ended.exception)


def test_a_conversion_that_cannot_be_is_refused_by_its_dry_run(finished: Finished) -> None:
    words = ["pairs", "convert", "tiny", "--to", "zarr-4096", "--dry-run"]
    error = CliRunner().invoke(app, [*words, "--home", str(finished.path)]).exception
    assert "do not fill whole shards of 4,096" in str(error)
