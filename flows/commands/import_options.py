"""What `kdm pairs import` is given as text: rows of a split, and an importer's own options."""

from collections.abc import Sequence
from typing import Any

from storage.whole_numbers import whole_number
from storage.yaml_text import read_yaml


def rows_of_split(split: str, text: str) -> tuple[int, int]:
    """The rows that `--train` or `--heldout` names, as FIRST:END."""
    first, end = map(whole_number, text.partition(":")[::2])
    if first is None or end is None:
        raise ValueError(f"--{split} {text[:60]}: write rows as FIRST:END, for instance 0:45000")
    return first, end


def importer_options(settings: Sequence[str], noise: str) -> dict[str, Any]:
    """An importer's options from `--set` and `--noise`; a ValueError if one is unreadable."""
    options: dict[str, Any] = {}
    for each in settings:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--set {each}: write it as --set NAME=VALUE, as in x_0_dtype=uint8")
        options[name] = read_yaml(value, f"--set {name}: the value")
    if noise:
        if noise not in ("first", "last"):
            raise ValueError(f"--noise is '{noise}'; it must be 'first' or 'last'")
        if options.get("noise_end", noise) != noise:
            raise ValueError("--noise and --set noise_end name different ends; give one of them")
        options["noise_end"] = noise
    return options
