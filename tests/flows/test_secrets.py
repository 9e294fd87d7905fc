"""Credentials in an argument, a recipe or a variable: refused before any work, and repeated nowhere."""

import re
import sys
from pathlib import Path

import pytest
from faults.canaries import PASSWORD, SECRET, hits

import flows.cli
from flows.request import Request

STATED = f"s3://KEY:{SECRET}@bucket/home"


def refuse(*words: str) -> None:
    """`kdm WORDS` in this process; it must refuse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kdm", *words])
        patch.setattr(flows.cli, "stop_on_signals", lambda: None)
        with pytest.raises(SystemExit) as ended:
            flows.cli.main()
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ls", "--home", STATED], "--home is an address with"),
        (["ls", f"--home={STATED}"], "--home is an address with"),
        (["ls", "--home", STATED.replace("://", ";//")], "--home is an address with"),
        (["ls", "--home", f"https://bucket.example/home?sig={PASSWORD}"], "--home is an address"),
        (["show", STATED], "an argument is an address with"),
        (["run", "tiny", "--set", f"teacher.name={STATED}"], "--set is an address with"),
        (["generate-pairs", "tiny", "--on", f"dask://me:{PASSWORD}@host:1"], "--on is an address"),
        (
            ["distill", "tiny", "--rendezvous", f"me:{PASSWORD}@host:1"],
            "--rendezvous is an address",
        ),
        (["rm", STATED, "--yes"], "an argument is an address with"),
        ([STATED], "an argument is an address with"),
        (["ls", f"--{STATED}"], "is an address with"),
    ],
)
def test_an_argument_with_a_password_or_a_signature_is_refused(
    words: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    refuse(*words)
    said = capsys.readouterr().err
    assert says in said
    assert "put credentials into the environment" in said
    assert hits(said, tmp_path) == []


def test_a_home_in_the_environment_is_refused_as_one_on_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_HOME", STATED)
    refuse("ls")
    said = capsys.readouterr().err
    assert "the place is an address with" in said
    assert hits(said) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"source: {STATED}", "source is an address with"),
        (f"source: {STATED}: {{]", r"source: s3://\*\*\*@b"),
        (f"a_key_of_some_length: s3://KEY:{SECRET}@bucket/home: {{]", r"length: s3://\*\*\*"),
        (f"aws_secret_access_key={SECRET}: {{]", r"aws_secret_access_key=\*\*\*"),
        (f"'{STATED}': 1", "a key of recipe .* is an address with"),
    ],
)
def test_a_line_of_a_recipe_is_told_without_its_secret(
    line: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(f"name: mine\n{line}\n")
    refuse("show", str(tmp_path / "mine.yaml"))
    said = capsys.readouterr().err
    assert re.search(says, said)
    assert hits(said) == []


@pytest.mark.parametrize("field", ["recipe", "home", "on", "rendezvous", "overrides"])
def test_a_request_of_any_caller_is_refused_by_the_name_of_its_field(field: str) -> None:
    value = (f"teacher.name={STATED}",) if field == "overrides" else STATED
    request = Request(**{"recipe": "tiny", field: value})
    with pytest.raises(ValueError, match=rf"the request\.{field}(\.0)? is an address") as error:
        request.run()
    assert hits(str(error.value)) == []
