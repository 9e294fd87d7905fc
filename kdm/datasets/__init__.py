"""Reference sets: what teachers learn from and students are judged against.

A set is a frozen `Options` with a `kind`, a `shape`, `train()`, `heldout()` and a `digest()`.
"""

from collections.abc import Mapping
from typing import Any

from kdm.datasets.checkerboard import CheckerboardData
from storage.options import nearest, parse

__all__ = ["DataSet", "load"]

DataSet = CheckerboardData  # a union told apart by `kind` as soon as there are two
_KINDS = {"checkerboard": CheckerboardData}


def load(choice: Mapping[str, Any]) -> DataSet:
    """The data set that `{"kind": name, **options}` chooses; ValueError names the nearest kind."""
    kind = str(choice.get("kind"))
    if kind not in _KINDS:
        raise ValueError(f"no data set of kind '{kind}'; {nearest(kind, list(_KINDS))}")
    return parse(_KINDS[kind], choice, f"data set '{kind}'")
