"""--dry-run: it says what is there and what would be made, and writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Finished
from faults.digests import assert_equal, digests_of
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from storage.folders import folder_at
from storage.folders.untouched import WouldWriteError, untouched

RECIPE = load_recipe("tiny")


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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rm", "students/kdm"], "would go; nothing was removed"),
        (["pairs", "gc"], "nothing to remove"),
        (
            ["pairs", "convert", "tiny", "--to", "zarr-512"],
            "train/zarr-512: 4 shards, about 32.8 kB",
        ),
    ],
)
def test_commands_beside_the_stages_change_nothing_either(
    finished: Finished, words: list[str], told: str
) -> None:
    ended = CliRunner().invoke(app, [*words, "--dry-run", "--home", str(finished.path)])
    assert told in ended.stdout
    assert_equal(digests_of(finished.path), finished.digests)


def test_a_conversion_that_cannot_be_is_refused_by_its_dry_run(finished: Finished) -> None:
    words = ["pairs", "convert", "tiny", "--to", "zarr-4096", "--dry-run"]
    error = CliRunner().invoke(app, [*words, "--home", str(finished.path)]).exception
    assert "do not fill whole shards of 4,096" in str(error)
