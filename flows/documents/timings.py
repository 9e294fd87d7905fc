"""Times and rates. They're separate from metrics because a repeated run doesn't reproduce them."""

from collections.abc import Mapping
from typing import Any

from storage.digest import seal, unseal
from storage.errors import DamageError
from storage.folders import Folder

FILE = "timings.json"


def note_timing(folder: Folder, name: str, timing: dict[str, Any]) -> None:
    """Write one section of a folder's timings.json; the others stay."""
    folder.replace(FILE, seal({**read_timings(folder), name: timing}))


def read_timings(folder: Folder) -> dict[str, Any]:
    """All sections by name; empty if the file is missing or damaged, because rates aren't results."""
    if not folder.exists(FILE):
        return {}
    try:
        document = unseal(folder.read(FILE), f"{folder.url}/{FILE}")
    except DamageError:
        return {}
    document.pop("digest")
    return document


def with_before(cpu_seconds: float | None, timings: Mapping[str, Any]) -> float | None:
    """The CPU seconds of a training with those of the one that it finishes, if it is a finish."""
    if cpu_seconds is None:
        return None
    return float(cpu_seconds + timings.get("before", {}).get("cpu_seconds", 0))


def machine(device: str = "cpu") -> str:
    """The machine that a rate was measured on, which is this one."""
    import torch

    from pairgen.environment import device_model

    model, threads = device_model(torch.device(device)), torch.get_num_threads()
    return f"{model}, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"
