"""A published set in parts: files of noise and of data side by side, a row a pair."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np

from storage.importers.one_hot import classes_of
from storage.importers.published import PublishedRows
from storage.importers.torch_files import TensorRows

_RIGHT = "expected floats of one shape [n, ...] and labels [n, classes], or no labels"


class Part(NamedTuple):
    """The pairs of one file, or folder, of each kind: both ends and labels, a row each."""

    name: str
    first: TensorRows
    last: TensorRows
    label: TensorRows | None

    @property
    def form(self) -> list[str]:
        """Its types and shapes, for a message."""
        tensors = [each for each in (self.first, self.last, self.label) if each is not None]
        return [f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors]

    def require_pairs(self, place: str) -> None:
        """A ValueError if the ends are not floats of one shape, or labels not one-hot rows."""
        label = self.label
        is_labelled = label is None or (len(label.shape) == 2 and len(label) == len(self.last))
        floats = self.first.dtype.kind == self.last.dtype.kind == "f"
        is_alike = self.first.shape == self.last.shape and len(self.last.shape) > 1
        if not (is_labelled and floats and is_alike):
            raise ValueError(f"{place} are {self.form}; {_RIGHT}")

    def rows(self, first: int, last: int) -> PublishedRows:
        """Rows of these files, labels one-hot as they are saved."""
        label = None if self.label is None else self.label.rows(first, last)
        return PublishedRows(self.first.rows(first, last), self.last.rows(first, last), None, label)


@dataclass(frozen=True)
class PartedSet:
    """All parts one after the other as rows, read only as far as the caller needs."""

    importer: str
    version: int
    folder: Path
    where: str  # a part's files as a pattern, in which {} is the part's name
    parts: tuple[Part, ...]
    source_digest: str

    def __post_init__(self) -> None:
        """Parts may differ in their number of rows and in nothing else; a ValueError otherwise."""
        model = self.parts[0]
        for part in self.parts:
            forms = [
                [(each.dtype, each.shape[1:]) for each in one[1:] if each is not None]
                for one in (model, part)
            ]
            if forms[0] != forms[1]:
                raise ValueError(
                    f"{self.folder}: '{part.name}' is {part.form}, '{model.name}' is {model.form}; the "
                    "files of a set differ in the number of rows only"
                )

    @property
    def ends(self) -> list[int]:
        """The row after the last of each part."""
        return list(accumulate(len(part.first) for part in self.parts))

    @property
    def num_pairs(self) -> int:
        """Rows of all files."""
        return self.ends[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one end."""
        return self.parts[0].first.shape[1:]

    @property
    def num_between(self) -> int:
        """Such sets hold no states."""
        return 0

    @property
    def num_classes(self) -> int | None:
        """Length of the one-hot labels."""
        label = self.parts[0].label
        return None if label is None else label.shape[1]

    def place(self, row: int) -> str:
        """The files of a pair and its row there."""
        part = bisect_right(self.ends, row)
        own = row - (self.ends[part - 1] if part else 0)
        return f"row {own} of {self.folder}/{self.where.format(self.parts[part].name)}"

    def rows(self, first: int, last: int) -> PublishedRows:
        """The pairs of a half-open range."""
        found = []
        for part, end in zip(self.parts, self.ends, strict=True):
            start = end - len(part.first)
            if start < last and first < end:
                found.append(part.rows(max(first - start, 0), min(last, end) - start))
        labels = [rows.label for rows in found if rows.label is not None]
        label = classes_of(np.concatenate(labels), first, self.place) if labels else None
        first_end = np.concatenate([rows.first for rows in found])
        last_end = np.concatenate([rows.last for rows in found])
        return PublishedRows(first_end, last_end, None, label)

    def digest(self) -> str:
        """The sha256 of the whole source."""
        return self.source_digest
