"""-q and -v: every command takes them, they change standard error alone, and --json stays one document."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
import typer
from click.testing import Result
from conftest import Finished
from test_json import commands
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.typed_words import typed_words
from flows.verbosity import is_quiet, set_verbosity, warn

RUN = ("run", "tiny", "--direct", "--device", "cpu")


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    yield
    set_verbosity(0)


def said(*words: str, home: object) -> Result:
    ended = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended


def test_every_command_takes_both() -> None:
    found = commands(typer.main.get_command(app))
    assert len(found) > 30
    options = {"-q", "--quiet", "-v", "--verbose"}
    known = {
        name: {each for p in command.params for each in p.opts} for name, command in found.items()
    }
    assert {name for name, opts in known.items() if not options <= opts} == set()


def test_a_quiet_run_prints_its_results_alone(finished: Finished) -> None:
    usual = said(*RUN, home=finished.path)
    quiet = said(*RUN, "-q", home=finished.path)
    assert quiet.stderr == ""
    assert quiet.stdout == usual.stdout
    assert "report: " in quiet.stdout
    assert "cached" in usual.stderr


def test_a_verbose_run_says_what_it_asked_and_found_beside_its_document(finished: Finished) -> None:
    ended = said("-v", *RUN, "--json", "--set", "filters.near-copy.fpr=0.01", home=finished.path)
    assert len(json.loads(ended.stdout)["stages"]) == 6
    lines = [line for line in ended.stderr.splitlines() if line.startswith("info ")]
    assert f"info   flows.home: home {finished.path}" in lines
    assert "changed: ['filters.near-copy.fpr=0.01']" in ended.stderr
    (student,) = (finished.path / "students").iterdir()
    assert f"{student} holds a finished training of these options" in ended.stderr
    assert "train/wds-256 lacks 0 of 8 shards" in ended.stderr
    assert len(lines) == len(set(lines))
    assert "debug" not in ended.stderr


def test_twice_verbose_names_the_files(finished: Finished) -> None:
    (report,) = (finished.path / "reports").glob("tiny-*/run.json")
    assert f"debug  storage.folders: read: {report}" in said("ls", "-vv", home=finished.path).stderr


def test_each_command_begins_with_the_usual_verbosity(finished: Finished) -> None:
    said("ls", "-q", home=finished.path)
    assert is_quiet()
    assert "info " not in said("ls", home=finished.path).stderr
    assert not is_quiet()


def test_opposites_are_refused(finished: Finished) -> None:
    error = CliRunner().invoke(app, ["ls", "-q", "-v", "--home", str(finished.path)]).exception
    assert isinstance(error, ValueError)
    assert "opposites" in str(error)


def test_a_secret_is_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-key-of-somebody")
    set_verbosity(1)
    logging.getLogger("storage.store").info("read with %s", "a-key-of-somebody")
    set_verbosity(-1)
    warn("nobody reads this")
    set_verbosity(0)
    warn("a warning")
    assert re.fullmatch(
        r"info   storage.store: read with \*+\na warning\n", capsys.readouterr().err
    )


def test_a_page_repeats_the_command_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["kdm", "-q", "study", "losses", "-vv", "--on", "digits"])
    assert typed_words() == ["study", "losses", "--on", "digits"]
