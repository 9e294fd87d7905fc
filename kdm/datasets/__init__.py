"""Reference sets: what teachers learn from and students are judged against.

A set is a frozen `Options` with a `kind`, a `shape`, a `license` (in no digest), `train()`,
`heldout()` and a `digest()`; `DataSet` is the type of a field that holds one, and reads
`{"kind": name, **options}`.
"""

from kdm.datasets.checkerboard import CheckerboardData

__all__ = ["DataSet"]

DataSet = CheckerboardData  # a union told apart by `kind` as soon as there are two
