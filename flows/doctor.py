"""`kdm doctor`: checks that this machine has what is needed, and says what to do if it doesn't."""

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext

import typer

from flows.home import home_folder
from flows.installation import Finding, Verdict, installed
from flows.orchestration.prefect_settings import api_url, set_defaults
from flows.orchestration.unusable_settings import UNUSABLE, require_usable_proxies, why_unusable
from flows.settings import settings, settings_file
from flows.table import aligned, num_bytes, say_document
from kdm.pretrained import SOURCES, fault_of, weights_folder
from storage.errors import StoreError
from storage.folders import Folder, folder_at
from storage.folders.local_folder import LocalFolder
from storage.redaction import redacted

ENOUGH_SPACE = 2_000_000_000  # bytes: a set of a million 32×32 images would not fit, a demo does


def doctor(home: str, *, as_json: bool = False) -> None:
    """Print every finding; exit code 1 if something that is needed is broken."""
    folder = home_folder(home)
    findings = [
        *installed(),
        _settings(),
        _home(folder),
        _prefect(folder),
        *_weights(),
    ]
    rows = [[each.verdict, each.what, redacted(each.words)] for each in findings]
    is_broken = any(each.verdict == "broken" for each in findings)
    if as_json:
        keys = ("verdict", "what", "found")
        found = [dict(zip(keys, row, strict=True)) for row in rows]
        say_document({"is_well": not is_broken, "findings": found})
    else:
        typer.echo(aligned([["", "what", "found"], *rows]))
    if is_broken:
        raise typer.Exit(1)


def _settings() -> Finding:
    """A variable or an option may hide a fault of the file, until a command runs without it."""
    file = settings_file()
    try:
        settings()
    except ValueError as error:
        return Finding("settings", "broken", str(error))
    return Finding("settings", "ok", str(file) if file.is_file() else f"{file} (not there)")


def _home(home: Folder) -> Finding:
    try:
        # Checked at the home itself, which may be on another disk than the folder above it.
        with home.made() if isinstance(home, LocalFolder) else nullcontext():
            home.require_writable("a home")
    except StoreError as error:
        return Finding("home", "broken", str(error))
    if not home.is_local:
        return Finding("home", "ok", f"{home.url}, free space unknown")
    path = home.local_path()
    standing = next(place for place in (path, *path.parents) if place.exists())
    free = shutil.disk_usage(standing).free
    verdict: Verdict = "ok" if free > ENOUGH_SPACE else "note"
    return Finding("home", verdict, f"{home.url}, {num_bytes(free)} free")


def _prefect(home: Folder) -> Finding:
    set_defaults(home)
    try:
        require_usable_proxies()
        api = api_url()
    except UNUSABLE as error:
        return Finding("prefect api", "note", why_unusable(error))
    if not api:
        place = os.environ.get("PREFECT_HOME") or "~/.prefect"
        try:
            folder_at(place).require_writable("Prefect's database")
        except StoreError as error:
            return Finding("prefect api", "note", f"{error}; commands continue without Prefect")
        return Finding("prefect api", "ok", f"embedded; its database is in {place}")
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=5):
            return Finding("prefect api", "ok", api)
    except (urllib.error.URLError, OSError, ValueError) as error:
        words = f"{api} does not answer ({error}); commands continue without it"
        return Finding("prefect api", "note", words)


def _weights() -> Iterator[Finding]:
    yield Finding("weights", "ok", f"{weights_folder()} (KDM_WEIGHTS); no recipe here needs any")
    for name in SOURCES:
        fault, is_there = fault_of(name), (weights_folder() / name).is_file()
        verdict: Verdict = "ok" if fault is None else "broken" if is_there else "note"
        yield Finding(name, verdict, fault or "found")
