"""`kdm doctor`: checks that this machine has what is needed, and says what to do if it doesn't."""

import os
import platform
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
import typer
from packaging.requirements import Requirement

from flows.home import home_folder
from flows.orchestration.prefect_settings import api_url, set_defaults
from flows.orchestration.unusable_settings import UNUSABLE, why_unusable
from flows.table import aligned, num_bytes
from kdm.pretrained import SOURCES, fault_of, weights_folder
from storage.errors import StoreError
from storage.folders import Folder, folder_at
from storage.folders.local_folder import LocalFolder
from storage.golden_noise import GOLDEN_NOISE, golden_noise_digest
from storage.plugins import plugin_faults
from storage.redaction import redacted

PROJECT = "kdm-offline"
PACKAGES = ("storage", "kdm", "pairgen", "flows")
# What goes wrong outside these ranges shows up much later, so it's named here.
TRAPS = {
    "fastapi": "Prefect fails every flow and does not say so in its own range",
    "sqlalchemy": "Prefect accepts cron schedules and never starts a run",
}
ENOUGH_SPACE = 2_000_000_000  # bytes: a set of a million 32×32 images would not fit, a demo does
Verdict = Literal["ok", "note", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    what: str
    verdict: Verdict
    words: str


def doctor(home: str) -> None:
    """Print every finding; exit code 1 if something that is needed is broken."""
    folder = home_folder(home)
    findings = [
        *_python(),
        *_versions(),
        *_ours(),
        *_plugins(),
        *_device(),
        _noise(),
        _home(folder),
        _prefect(folder),
        *_weights(),
    ]
    rows = [[each.verdict, each.what, redacted(each.words)] for each in findings]
    typer.echo(aligned([["", "what", "found"], *rows]))
    if any(each.verdict == "broken" for each in findings):
        raise typer.Exit(1)


def _python() -> Iterator[Finding]:
    is_supported = sys.version_info >= (3, 11)
    words = f"{platform.python_version()} at {sys.executable}"
    yield Finding("python", "ok" if is_supported else "broken", words + "; 3.11 or later is needed")


def _versions() -> Iterator[Finding]:
    for text in requires(PROJECT) or []:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield _version(wanted)


def _version(wanted: Requirement) -> Finding:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return Finding(wanted.name, "broken", f"missing; pip install '{wanted}'")
    if wanted.specifier.contains(found, prereleases=True):
        return Finding(wanted.name, "ok", found)
    trap = TRAPS.get(wanted.name.lower(), "not supported")
    return Finding(wanted.name, "broken", f"{found}: {trap}; pip install '{wanted}'")


def _ours() -> Iterator[Finding]:
    """These names are common: another package `storage` or `flows` could shadow ours."""
    places = {name: _place(name) for name in PACKAGES}
    owners = packages_distributions()
    for name, place in places.items():
        is_ours = place == places["kdm"] and set(owners.get(name, [PROJECT])) == {PROJECT}
        advice = "" if is_ours else f"; not this project's: {owners.get(name)} also brings '{name}'"
        yield Finding(f"package {name}", "ok" if is_ours else "broken", f"{place}{advice}")


def _place(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).resolve().parent.parent if spec and spec.origin else None


def _plugins() -> Iterator[Finding]:
    """A plugin name that two packages register is refused when it's used; this finds it earlier."""
    faults = plugin_faults()
    for fault in faults:
        yield Finding("plugins", "broken", fault)
    if not faults:
        yield Finding("plugins", "ok", "each name is registered once")


def _device() -> Iterator[Finding]:
    if torch.cuda.is_available():
        yield Finding("device", "ok", f"cuda: {torch.cuda.get_device_name()}")
    else:
        yield Finding("device", "ok", f"cpu ({platform.machine()}); torch finds no GPU")
    threads = f"{torch.get_num_threads()} for torch, {os.cpu_count()} cores"
    yield Finding("threads", "ok", threads)


def _noise() -> Finding:
    found = golden_noise_digest()
    if found == GOLDEN_NOISE:
        return Finding("noise philox-v1", "ok", f"{found}…, as everywhere")
    words = f"{found}…, right is {GOLDEN_NOISE}…: pairs made here would not match other machines'"
    return Finding("noise philox-v1", "broken", f"{words}; install another numpy")


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
