"""Pairs as RectifiedFlow saves them for reflow (Liu et al. 2022, gnobitab/RectifiedFlow): two arrays.

    z0.npy       noise [n, *shape]      z1.npy    where the flow takes it      label.npy    one-hot, if any

They lie in a folder, or in one folder a seed: run_lib_reflow.py writes DATA_ROOT/SEED and reads all of
DATA_ROOT. Rows are the folders in the order of their names, numbers by their value, then rows of the
arrays. z0 is noise by that code; whether it is here the numbers decide, as of any set (see `ends`).
"""

import hashlib
from pathlib import Path

from storage.file_names import is_hidden
from storage.importers.npy import array_rows
from storage.importers.parts import Part, PartedSet
from storage.importers.torch_files import TensorRows

IMPORTER = "rectified-flow"
IMPORTER_VERSION = 1
NOISE, DATA, LABEL = "z0.npy", "z1.npy", "label.npy"


def open_rectified_flow(folder: Path) -> PartedSet:
    """The set in a folder; the heads of all files are checked, no number is read yet.

    Its digest is what `sha256sum label.npy z0.npy z1.npy | sha256sum` prints in the folder, of folders
    what it prints for SEED/z0.npy and so on, folder after folder.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give the one that holds {NOISE} and {DATA}")
    names = [""] if is_rectified_flow(folder) else _seeds(folder)
    for name in names:
        _require_known(folder / name)
    parts = tuple(_part(folder, name) for name in names)
    digest = _digest(folder, names)
    where = f"{{{{{NOISE},{DATA}}}}}" if names == [""] else f"{{}}/{{{{{NOISE},{DATA}}}}}"
    return PartedSet(IMPORTER, IMPORTER_VERSION, folder, where, parts, digest)


def is_rectified_flow(folder: Path) -> bool:
    """Whether a folder itself holds one of the two arrays."""
    return (folder / NOISE).is_file() or (folder / DATA).is_file()


def _seeds(folder: Path) -> list[str]:
    names = [path.name for path in folder.iterdir() if not is_hidden(path.name)]
    strange = [name for name in names if not is_rectified_flow(folder / name)]
    if strange or not names:
        what = f"'{min(strange)}'" if strange else "nothing"
        raise ValueError(
            f"{folder} holds {what}; it must hold {NOISE} and {DATA}, or folders that hold both"
        )
    return sorted(names, key=lambda name: (not name.isdecimal(), name.zfill(20)))


def _require_known(folder: Path) -> None:
    """A ValueError where an array is missing, or one lies there that would be left out."""
    arrays = {path.name for path in folder.glob("[!.]*.npy")}
    if strange := sorted(arrays - {NOISE, DATA, LABEL}):
        raise ValueError(
            f"{folder} holds '{strange[0]}', which is none of {NOISE}, {DATA} and {LABEL}; take it out "
            "of the folder"
        )
    if missing := sorted({NOISE, DATA} - arrays):
        raise ValueError(
            f"{folder} has no {missing[0]}; restore it: a pair is a row of both arrays"
        )


def _part(folder: Path, name: str) -> Part:
    place = folder / name
    label = _rows(place / LABEL) if (place / LABEL).is_file() else None
    part = Part(name, _rows(place / NOISE), _rows(place / DATA), label)
    part.require_pairs(f"{place}: '{NOISE}' and '{DATA}'")
    return part


def _rows(path: Path) -> TensorRows:
    try:
        return array_rows(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _digest(folder: Path, names: list[str]) -> str:
    total = hashlib.sha256()
    for path in (folder / name / file for name in names for file in (LABEL, NOISE, DATA)):
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{digest}  {path.relative_to(folder).as_posix()}\n".encode())
    return total.hexdigest()
