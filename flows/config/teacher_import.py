"""Imports a published checkpoint: a teacher's folder in a home, with its card."""

from dataclasses import dataclass
from pathlib import Path

from flows.config.imported_card import teacher_card
from pairgen.checkpoints import read_checkpoint
from pairgen.checkpoints.build import described
from pairgen.teachers.imported import Packed, folder_name, is_imported, packed, write_imported
from pairgen.teachers.imported_name import default_name
from storage.folders import Folder, input_file


@dataclass(frozen=True)
class Import:
    """What the user asks for when importing a teacher."""

    file: str
    name: str = ""
    preset: str = ""
    licence: str = ""
    has_samples: bool = True


def store_import(wanted: Import, teachers: Folder) -> Folder:
    """Store a teacher with its card, without a picture; a ValueError if the file isn't a checkpoint."""
    path = input_file(wanted.file, "the checkpoint to import", "name the checkpoint to import")
    folder, teacher = _read(path, wanted, teachers)
    if teacher is not None:
        write_imported(folder, teacher)
    if not folder.exists("card.md"):
        folder.replace("card.md", teacher_card(folder).text.encode())
    return folder


def planned_import(wanted: Import, teachers: Folder) -> tuple[Folder, bool]:
    """The teacher's folder, and whether it is there; a ValueError as `store_import`, and nothing written."""
    path = input_file(wanted.file, "the checkpoint to import", "name the checkpoint to import")
    folder, teacher = _read(path, wanted, teachers)
    return folder, teacher is None


def _read(path: Path, wanted: Import, teachers: Folder) -> tuple[Folder, Packed | None]:
    """The teacher's folder and what to write there; the checkpoint's memory is freed on return."""
    name = _name(wanted, path)
    checkpoint = read_checkpoint(path)
    try:
        preset = described(checkpoint, wanted.preset)
        folder = teachers / folder_name(name, checkpoint, preset)
        return folder, None if is_imported(folder) else packed(checkpoint, preset)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _name(wanted: Import, path: Path) -> str:
    plain = default_name(wanted.name or path.stem)
    if wanted.name not in ("", plain):
        raise ValueError(f"--name {wanted.name[:80]}: write it as '{plain}'")
    return plain
