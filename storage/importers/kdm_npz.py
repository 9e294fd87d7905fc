"""Pairs as KDM publishes them (arXiv 2505.13358): a folder of .npz, one pair each, in six variants.

    set               key                  first   last    label
    CIFAR             arr_0                x_T     x_0     -
    CIFAR, test       arr_0                x_0     x_T     -
    CIFAR, FM         arr1                 x_0     x_T     -
    CIFAR, by class   endpoints, label     x_0     x_T     one-hot float
    FFHQ, AFHQv2      arr_0                x_0     x_T     -

An array is [k ≥ 2, *shape] and its two ends are the pair. They disagree which end is which, so no
name decides it, the numbers do (see `ends`). Rows are the files sorted by name; the published code
takes them as its file system lists them, another order on each machine.
"""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from storage.digest import short
from storage.folders.foreign_files import entries_of, opened
from storage.importers.npy import array_in
from storage.importers.one_hot import classes_of
from storage.importers.published import PublishedRows
from storage.inert.zips import members_of, read_member
from storage.records import MAX_STATES

KEYS = ("arr_0", "arr1", "endpoints")
LABEL = "label"
MAX_FILE_BYTES = 2**26  # 64 MB: five states of 3×1024×1024 in float32
_MAX_LABEL_BYTES = 2**20
_DIGEST_BYTES = 32


class _Content(NamedTuple):
    """What one file holds; all files of a set have the same key, type and shape."""

    key: str
    states: NDArray[Any]  # [k, *shape]
    label: NDArray[Any] | None

    @property
    def form(self) -> tuple[Any, ...]:
        """What must be the same in all files of a set."""
        label = None if self.label is None else self.label.shape
        return (self.key, self.states.dtype.str, self.states.shape, label)


@dataclass
class KdmFolder:
    """A folder of .npz as rows; each file is read at once, and hashed whenever it is read."""

    importer: ClassVar[str] = "kdm-npz"
    version: ClassVar[int] = 1

    folder: Path
    keep_states: bool
    names: list[str]
    model: _Content  # of the first file
    # By row, zeros for files not read yet: 32 MB for a million files.
    _digests: bytearray = field(repr=False)

    @classmethod
    def open(cls, folder: Path, *, keep_states: bool = False) -> Self:
        """The set in a folder; a ValueError if it holds anything but .npz files."""
        names = _names(folder)
        model, _ = _read(folder / names[0])
        if keep_states and not 1 <= len(model.states) - 2 <= MAX_STATES:
            raise ValueError(
                f"{folder / names[0]} has {len(model.states) - 2} states between its ends; "
                f"keep_states needs 1 to {MAX_STATES}"
            )
        return cls(folder, keep_states, names, model, bytearray(_DIGEST_BYTES * len(names)))

    @property
    def num_pairs(self) -> int:
        """One a file."""
        return len(self.names)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one end."""
        return self.model.states.shape[1:]

    @property
    def num_between(self) -> int:
        """States between the ends, if they are kept."""
        return len(self.model.states) - 2 if self.keep_states else 0

    @property
    def num_classes(self) -> int | None:
        """Length of the one-hot labels."""
        return None if self.model.label is None else self.model.label.size

    def place(self, row: int) -> str:
        """The file of a pair."""
        return str(self.folder / self.names[row])

    def rows(self, first: int, last: int) -> PublishedRows:
        """The pairs of the files first … last − 1; a ValueError names the one that does not fit."""
        states = np.empty(
            (last - first, 2 + self.num_between, *self.shape), self.model.states.dtype
        )
        labels = []
        for row in range(first, last):
            content = self._checked(row)
            states[row - first] = content.states if self.keep_states else content.states[[0, -1]]
            if content.label is not None:
                labels.append(content.label.ravel())
        between = states[:, 1:-1] if self.keep_states else None
        label = classes_of(np.array(labels), first, self.place) if labels else None
        return PublishedRows(states[:, 0], states[:, -1], between, label)

    def digest(self) -> str:
        """What `sha256sum *.npz | sha256sum` prints in the folder (names in the order of their bytes)."""
        total = hashlib.sha256()
        for row, name in enumerate(self.names):
            digest = self._digests[row * _DIGEST_BYTES : (row + 1) * _DIGEST_BYTES]
            total.update(f"{digest.hex()}  {name}\n".encode())
        return total.hexdigest()

    def _checked(self, row: int) -> _Content:
        """A file's content, of the set's form and the bytes that it had when it was read before."""
        path = self.folder / self.names[row]
        content, digest = _read(path)
        if content.form != self.model.form:
            raise ValueError(
                f"{path} holds {content.form}, {self.names[0]} holds {self.model.form}; all files "
                "of a set must be alike"
            )
        place = slice(row * _DIGEST_BYTES, (row + 1) * _DIGEST_BYTES)
        before = bytes(self._digests[place])
        if any(before) and before != digest:
            raise ValueError(
                f"{path} changed while it was read (sha256 {short(before.hex())}…, now "
                f"{short(digest.hex())}…); import again when nothing writes to it"
            )
        self._digests[place] = digest
        return content


def _names(folder: Path) -> list[str]:
    """The files' names, sorted; hidden ones are not listed, as by the published code."""
    entries = entries_of(folder, "give that of the published .npz files")
    for entry in entries:
        # A name with a line's end in it would make two lists of files look alike.
        is_plain = entry.name.endswith(".npz") and entry.name.isprintable()
        if not is_plain or not entry.is_file():
            raise ValueError(f"{entry.path!r} is not an .npz file; take it out of the folder")
    if not entries:
        raise ValueError(f"{folder} holds no .npz files")
    return sorted(entry.name for entry in entries)


def _read(path: Path) -> tuple[_Content, bytes]:
    """A file's content and the sha256 of its bytes; a ValueError that names it."""
    with opened(path) as file:
        data = file.read(MAX_FILE_BYTES + 1)
    try:
        return _content(data), hashlib.sha256(data).digest()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _content(data: bytes) -> _Content:
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"it has more than {MAX_FILE_BYTES:,} bytes; one pair has fewer")
    file = io.BytesIO(data)
    members = members_of(file)
    names = {name.removesuffix(".npy") for name in members if name.endswith(".npy")}
    keys = sorted(names - {LABEL})
    if len(names) != len(members) or len(keys) != 1 or keys[0] not in KEYS:
        raise ValueError(
            f"it holds {sorted(members)}; right is one array under {' or '.join(KEYS)}, "
            f"and beside it '{LABEL}' or nothing"
        )
    states = array_in(read_member(file, members[f"{keys[0]}.npy"], at_most=MAX_FILE_BYTES))
    label = None
    if LABEL in names:
        label = array_in(read_member(file, members[f"{LABEL}.npy"], at_most=_MAX_LABEL_BYTES))
    if states.dtype.kind != "f" or states.ndim < 2 or len(states) < 2 or states.size == 0:
        raise ValueError(
            f"its array is {states.dtype} {list(states.shape)}; it must be floats [k ≥ 2, *shape]"
        )
    return _Content(keys[0], states, label)
