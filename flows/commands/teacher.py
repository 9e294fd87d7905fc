"""`kdm teacher import`: a foreign checkpoint as a folder of this project."""

from dataclasses import dataclass
from pathlib import Path

import typer

from flows.commands.teacher_card import PICTURE, teacher_card
from flows.commands.teacher_grid import grid_png
from flows.progress import Meter
from flows.request import home_folder
from kdm.export import read_config
from kdm.licences import require_licence
from pairgen.checkpoints import read_checkpoint
from pairgen.checkpoints.build import described
from pairgen.teachers.imported import (
    Packed,
    default_name,
    folder_name,
    is_imported,
    kind_of,
    load_imported,
    packed,
    preset_of,
    write_imported,
)
from pairgen.teachers.imported_samples import samples_of
from storage.fs import Folder

NUM_SAMPLES = 16


@dataclass(frozen=True)
class Import:
    """What the user says of a teacher's file."""

    file: str
    name: str = ""
    preset: str = ""
    licence: str = ""
    has_samples: bool = True


def import_teacher(wanted: Import, home: str) -> None:
    """Store a teacher, its card and its picture; what is there already stays as it is."""
    licence = require_licence(wanted.licence) if wanted.licence else ""
    folder = _stored(wanted, home_folder(home) / "teachers")
    if wanted.has_samples and not folder.exists(PICTURE):
        _draw(folder)
    card = teacher_card(folder, licence=licence)
    folder.replace("card.md", card.text.encode())
    typer.echo(f"{folder.url}: {card.summary}")


def _stored(wanted: Import, teachers: Folder) -> Folder:
    path = Path(wanted.file).expanduser().absolute()
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; name the checkpoint to import")
    folder, teacher = _read(path, wanted, teachers)
    if teacher is not None:
        write_imported(folder, teacher)
    return folder


def _read(path: Path, wanted: Import, teachers: Folder) -> tuple[Folder, Packed | None]:
    """Where the teacher belongs, and what is to be written there; the checkpoint is let go here."""
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


def _draw(folder: Folder) -> None:
    # Imported here, because it brings all recipes, and an import needs the memory for its tensors.
    from flows.console import Terminal

    config = read_config(folder)
    assert config is not None  # it was written just now
    net = load_imported(folder)
    kind = kind_of(net, preset_of(config, folder))
    with Terminal() as terminal:
        meter = Meter(terminal.report, "samples", folder.name, kind.nfe, "evaluations")
        images = samples_of(
            net, kind, count=NUM_SAMPLES, report=lambda done, _total: meter.at(done)
        )
    folder.replace(PICTURE, grid_png(images))
