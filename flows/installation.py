"""What is installed here: Python, packages, plugins, torch's device, and the noise that numpy draws."""

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from packaging.requirements import Requirement

from pairgen.cores import num_cores
from storage.golden_noise import GOLDEN_NOISE, golden_noise_digest
from storage.plugins import plugin_faults

_PROJECT = "kdm-offline"
_PACKAGES = ("storage", "kdm", "pairgen", "flows")
# What goes wrong outside these ranges shows up much later, so it's named here.
_TRAPS = {
    "fastapi": "Prefect fails every flow and does not say so in its own range",
    "sqlalchemy": "Prefect accepts cron schedules and never starts a run",
}
Verdict = Literal["ok", "note", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    what: str
    verdict: Verdict
    words: str


def installed() -> list[Finding]:
    """Every finding about it."""
    return [*_python(), *_versions(), *_ours(), *_plugins(), *_device(), _noise()]


def _python() -> Iterator[Finding]:
    is_supported = sys.version_info >= (3, 11)
    words = f"{platform.python_version()} at {sys.executable}"
    yield Finding("python", "ok" if is_supported else "broken", words + "; 3.11 or later is needed")


def _versions() -> Iterator[Finding]:
    for text in requires(_PROJECT) or []:
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
    trap = _TRAPS.get(wanted.name.lower(), "not supported")
    return Finding(wanted.name, "broken", f"{found}: {trap}; pip install '{wanted}'")


def _ours() -> Iterator[Finding]:
    """These names are common: another package `storage` or `flows` could shadow ours."""
    places = {name: _place(name) for name in _PACKAGES}
    owners = packages_distributions()
    for name, place in places.items():
        is_ours = place == places["kdm"] and set(owners.get(name, [_PROJECT])) == {_PROJECT}
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
    threads = f"{torch.get_num_threads()} for torch, {num_cores()} cores"
    yield Finding("threads", "ok", threads)


def _noise() -> Finding:
    found = golden_noise_digest()
    if found == GOLDEN_NOISE:
        return Finding("noise philox-v1", "ok", f"{found}…, as everywhere")
    words = f"{found}…, right is {GOLDEN_NOISE}…: pairs made here would not match other machines'"
    return Finding("noise philox-v1", "broken", f"{words}; install another numpy")
