"""--json: which commands take it, and that each prints one document with the keys of docs/commands.md."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from click import Command
from conftest import Finished
from typer.core import TyperGroup
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.typed_words import typed_words
from flows.planted_trial import shares
from flows.table import say_document
from storage.digest import seal
from storage.folders import folder_at

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
KEYS = re.compile(r"^\| `kdm ([\w -]+)` \| (`[^|]+) \|$", re.MULTILINE)
# What they print is a file, a question or what they did to one thing.
WITHOUT = {
    *(
        "rm",
        "prune runs",
        "deploy",
        "sample",
        "export",
        "teacher import",
        "teacher export",
        "student import",
        "study human build",
    ),
    *("pairs repair", "pairs gc", "pairs purge", "pairs convert", "pairs export", "pairs import"),
}


def commands(group: Command, *name: str) -> dict[str, Command]:
    if not isinstance(group, TyperGroup):
        return {" ".join(name): group}
    below = (commands(each, *name, word) for word, each in group.commands.items())
    return {key: each for found in below for key, each in found.items()}


def documented() -> dict[str, set[str]]:
    """The keys of each command's document, by the page."""
    found = KEYS.findall(PAGE.read_text(encoding="utf-8"))
    return {name: set(re.findall(r"`(\w+)`", keys)) for name, keys in found}


def document(*words: str, code: int = 0) -> Any:
    """What the command prints on standard output, which is JSON and nothing else."""
    ended = CliRunner().invoke(app, [*words, "--json"])
    assert ended.exit_code == code, (ended.output, ended.exception)
    return json.loads(ended.stdout)


def test_every_command_that_prints_facts_takes_json() -> None:
    found = commands(typer.main.get_command(app))
    lacking = {
        name
        for name, command in found.items()
        if "--json" not in {word for each in command.params for word in each.opts}
    }
    assert lacking == WITHOUT


@pytest.mark.parametrize(
    "words",
    [
        *("ls", "pairs ls", "pairs show tiny", "pairs verify tiny", "pairs who tiny"),
        *("doctor", "leaderboard tiny", "run tiny --direct"),
    ],
)
def test_a_document_has_the_keys_that_the_page_says(
    words: str, finished: Finished, tmp_path: Path
) -> None:
    at = ("--home", str(finished.copy(tmp_path / "home")))
    name = " ".join(word for word in words.split() if word not in ("tiny", "--direct"))
    assert set(document(*words.split(), *at)) == documented()[name]


def test_ls_gives_plain_numbers_of_everything(finished: Finished) -> None:
    home = finished.path
    found = document("ls", "--home", str(home))
    sizes = [file.stat().st_size for file in home.rglob("*") if file.is_file()]
    assert found["bytes"] == sum(sizes)
    (student,) = found["students"]
    metrics = json.loads((home / "students" / student["name"] / "metrics.json").read_text())
    assert student["numbers"] == metrics["values"]
    assert (student["model"], student["recipe"], student["state"]) == ("kdm", "tiny", "finished")
    train = next(each for each in found["pairs"] if each["split"] == "train")
    assert train["attempted"] == 2048
    assert train["kept"] + sum(train["dropped"].values()) == 2048
    assert re.fullmatch(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\d\+00:00", train["finished"])
    assert found["studies"] == []


def test_verify_names_a_damaged_shard_in_its_document_and_ends_with_1(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    shard = sorted(home.glob("pairs/*/train/*/shards/*.tar"))[3]
    data = bytearray(shard.read_bytes())
    data[2000] ^= 1
    shard.write_bytes(data)
    found = document("pairs", "verify", "tiny", "--home", str(home), code=1)
    assert not found["is_sound"]
    (fault,) = found["splits"]["train/wds-256"]["faults"]
    assert (fault["kind"], fault["shard"]) == ("damaged", 3)
    assert fault["file"].endswith(shard.name)


def test_a_run_says_what_each_stage_made_or_found(finished: Finished) -> None:
    found = document("run", "tiny", "--direct", "--home", str(finished.path))["stages"]
    assert {each["state"] for each in found} == {"cached"}
    (numbers,) = [each["values"] for each in found if each["stage"] == "evaluate"]
    assert 0 <= numbers["in_cells"] <= 1
    assert Path(found[0]["folder"]).is_dir()


def test_who_watches_as_text_alone(finished: Finished) -> None:
    words = ["pairs", "who", "tiny", "--watch", "--json", "--home", str(finished.path)]
    ended = CliRunner().invoke(app, words)
    assert "leave one out" in str(ended.exception)
    assert ended.stdout == ""


def test_what_is_not_a_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    say_document({"a": [float("inf"), (float("nan"), 0.1 + 0.2)]})
    assert json.loads(capsys.readouterr().out) == {"a": [None, [None, 0.1 + 0.2]]}


def test_shares_of_a_kept_trial_are_numbers(tmp_path: Path) -> None:
    table = [["", "exact", "pixel-nn"], ["false positives", "0.0%", "–"], ["turned", "98.1%", "5%"]]
    (tmp_path / "proof.json").write_bytes(seal({"version": 1, "table": table}))
    assert shares(folder_at(str(tmp_path))) == {
        "false_positives": {"exact": 0.0, "pixel-nn": None},
        "recall": {"turned": {"exact": 0.981, "pixel-nn": 0.05}},
    }


def test_a_page_repeats_the_command_without_what_only_changes_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["kdm", "privacy", "test", "digits", "--json", "--own", "9"])
    assert typed_words() == ["privacy", "test", "digits", "--own", "9"]
