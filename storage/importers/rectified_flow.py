"""Pairs as RectifiedFlow saves them for reflow (Liu et al. 2022, gnobitab/RectifiedFlow): two arrays.

    z0.npy       noise [n, *shape]      z1.npy    where the flow takes it      label.npy    one-hot, if any

They are in one folder, or in a folder per seed: run_lib_reflow.py writes DATA_ROOT/SEED and reads
all of DATA_ROOT. Rows are the folders in the order of their names, numbers by their value, then the
rows of the arrays. In that code z0 is noise; here the numbers decide, as for any set (see `ends`).
"""

from pathlib import Path

from storage.folders.foreign_files import entries_of, is_file
from storage.importers.npy import array_rows
from storage.importers.parts import Part, PartedSet
from storage.importers.source_digest import digest_of_files
from storage.importers.torch_files import TensorRows

IMPORTER = "rectified-flow"
IMPORTER_VERSION = 1
NOISE, DATA, LABEL = "z0.npy", "z1.npy", "label.npy"


def open_rectified_flow(folder: Path) -> PartedSet:
    """The set in a folder; the heads of all files are checked, no number is read yet.

    Its digest is what `sha256sum label.npy z0.npy z1.npy | sha256sum` prints in the folder, of folders
    what it prints for SEED/z0.npy and so on, folder after folder.
    """
    entries = entries_of(folder, f"give the one that holds {NOISE} and {DATA}")
    found = [entry.name for entry in entries]
    names = [""] if is_rectified_flow(folder) else _seeds(folder, found)
    for name in names:
        _require_known(folder / name)
    parts = tuple(_part(folder, name) for name in names)
    digest = digest_of_files(folder, _files(folder, names))
    where = f"{{{{{NOISE},{DATA}}}}}" if names == [""] else f"{{}}/{{{{{NOISE},{DATA}}}}}"
    return PartedSet(IMPORTER, IMPORTER_VERSION, folder, where, parts, digest)


def is_rectified_flow(folder: Path) -> bool:
    """Whether a folder itself holds one of the two arrays."""
    return is_file(folder / NOISE) or is_file(folder / DATA)


def _seeds(folder: Path, names: list[str]) -> list[str]:
    strange = [name for name in names if not is_rectified_flow(folder / name)]
    if strange or not names:
        what = f"'{min(strange)}'" if strange else "nothing"
        raise ValueError(
            f"{folder} holds {what}; it must hold {NOISE} and {DATA}, or folders that hold both"
        )
    return sorted(names, key=lambda name: (not name.isdecimal(), name.zfill(20)))


def _require_known(folder: Path) -> None:
    """A ValueError if an array is missing, or if there is one that would be left out."""
    entries = entries_of(folder, f"give the one that holds {NOISE} and {DATA}")
    arrays = {entry.name for entry in entries if entry.name.endswith(".npy")}
    if strange := sorted(arrays - {NOISE, DATA, LABEL}):
        raise ValueError(
            f"{folder} holds '{strange[0]}', which isn't {NOISE}, {DATA} or {LABEL}; take it out "
            "of the folder"
        )
    if missing := sorted({NOISE, DATA} - arrays):
        raise ValueError(f"{folder} lacks {missing[0]}; restore it: a pair is a row of both arrays")


def _part(folder: Path, name: str) -> Part:
    place = folder / name
    label = _rows(place / LABEL) if is_file(place / LABEL) else None
    part = Part(name, _rows(place / NOISE), _rows(place / DATA), label)
    part.require_pairs(f"{place}: '{NOISE}' and '{DATA}'")
    return part


def _rows(path: Path) -> TensorRows:
    try:
        return array_rows(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _files(folder: Path, names: list[str]) -> list[str]:
    """The arrays of all folders, by their names from here."""
    places = (Path(name, file) for name in names for file in (LABEL, NOISE, DATA))
    return [place.as_posix() for place in places if is_file(folder / place)]
