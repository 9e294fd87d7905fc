"""Times and rates, kept apart from metrics because a repeated run does not reproduce them."""

import platform
from pathlib import Path
from typing import Any

import torch

from storage.digest import seal, unseal
from storage.errors import DamageError
from storage.fs import Folder

FILE = "timings.json"


def note_timing(folder: Folder, name: str, timing: dict[str, Any]) -> None:
    """Set one section of a folder's timings.json; the others stay."""
    folder.replace(FILE, seal({**read_timings(folder), name: timing}))


def read_timings(folder: Folder) -> dict[str, Any]:
    """All sections by name; none where there is no file, or a damaged one: rates are not results."""
    if not folder.exists(FILE):
        return {}
    try:
        document = unseal(folder.read(FILE), f"{folder.url}/{FILE}")
    except DamageError:
        return {}
    document.pop("digest")
    return document


def machine() -> str:
    """The machine that a rate was seen on, in words."""
    threads = torch.get_num_threads()
    return f"{_cpu_model()}, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"


def _cpu_model() -> str:
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        for line in cpu_info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
