"""An output that lacks characters, as ISO-8859-1 lacks '…' and ASCII '±', gets '?' for them, and rc 0."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Finished

from flows.cli import app
from storage.startup import replace_what_cannot_be_said

KDM = Path(sys.executable).with_name("kdm")


def said(patch: pytest.MonkeyPatch, encoding: str, *words: str) -> str:
    """What the command says in this very process, with such an output."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    patch.setattr(sys, "stdout", streams[0])
    patch.setattr(sys, "stderr", streams[1])
    replace_what_cannot_be_said()
    app(list(words), standalone_mode=False)
    for stream in streams:
        stream.flush()
    return "".join(stream.buffer.getvalue().decode("latin-1") for stream in streams)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_run_ends_with_its_table(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    given = ("tiny", "--direct", "--device", "cpu", "--home", str(finished.path))
    table = said(monkeypatch, encoding, "run", *given)
    assert "in cells, fresh noise" in table
    assert "report: " in table


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_doctor_ends_with_its_last_line(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    assert "noise philox-v1" in said(monkeypatch, encoding, "doctor", "--home", str(finished.path))


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_the_command_itself_ends_with_0(finished: Finished, encoding: str) -> None:
    ended = subprocess.run(
        [KDM, "ls", "--home", str(finished.path)],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"tiny-" in ended.stdout
