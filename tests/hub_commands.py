"""Commands that push and pull, run here, and the client's settings for a Hub on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from loopback_hub import TOKEN, Hub, running_hub
from typer.testing import CliRunner

from flows.cli import app


@contextmanager
def hub_of_this_process(place: Path) -> Iterator[Hub]:
    """An empty Hub, which this process asks in place of the real one; its token is in the environment."""
    from huggingface_hub import constants

    with running_hub() as hub, pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY"):
            patch.setattr(
                constants, name, True
            )  # read as the client is imported, which may have been before
        patch.setattr(constants, "HF_TOKEN_PATH", str(place / "no-token"))
        patch.setattr("kdm.hub.transfer.time.sleep", lambda _seconds: None)
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        patch.setenv("HF_TOKEN", TOKEN)
        patch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def kdm(*words: str, home: Path) -> str:
    """What a command prints on success."""
    ended = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    assert TOKEN not in ended.output
    return ended.stdout


def refused(*words: str, home: Path) -> str:
    """The sentence of a command that fails."""
    ended = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert ended.exit_code != 0, ended.output
    assert TOKEN not in f"{ended.output}{ended.exception!r}"
    return str(ended.exception)


def only(folder: Path) -> Path:
    """What is in a folder that holds one thing."""
    (found,) = folder.iterdir()
    return found
