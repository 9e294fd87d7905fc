"""`kdm config`: the settings that hold when a command isn't told otherwise, and where each comes from."""

import os
from typing import Any

import typer

from flows.home import DEFAULT_HOME, HOME_VARIABLE
from flows.settings import settings, settings_file
from flows.table import aligned, say_document
from storage.redaction import redacted


def show_settings(*, as_json: bool) -> None:
    """Print the file and each setting, with 'environment', 'file' or 'default' as its source."""
    stated, file = settings(), settings_file()
    shown: dict[str, tuple[Any, str]] = {
        "home": _home(stated.home),
        "trackers": (stated.trackers, "default" if stated.trackers is None else "file"),
    }
    if as_json:
        found = {name: {"value": value, "from": source} for name, (value, source) in shown.items()}
        say_document({"file": str(file), "is_there": file.is_file(), "settings": found})
        return
    typer.echo(f"{file}{'' if file.is_file() else ' (not there)'}\n")
    rows = [[name, _words(value), source] for name, (value, source) in shown.items()]
    typer.echo(aligned([["setting", "value", "from"], *rows]))


def _home(stated: str | None) -> tuple[str, str]:
    variable = os.environ.get(HOME_VARIABLE)
    if variable:
        return redacted(variable), "environment"
    return (DEFAULT_HOME, "default") if stated is None else (stated, "file")


def _words(value: Any) -> str:
    if value is None:
        return "as each training says"
    return value if isinstance(value, str) else ", ".join(value) or "none"
