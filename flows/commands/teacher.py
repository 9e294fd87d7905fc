"""`kdm teacher import`: a foreign checkpoint as a folder of this project."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import typer

from flows.commands.teacher_card import PICTURE, teacher_card
from flows.commands.teacher_grid import grid_png
from flows.progress import Meter
from flows.request import home_folder
from kdm.licences import require_licence
from kdm.trained import read_config, read_weights
from pairgen.checkpoints import read_checkpoint
from pairgen.checkpoints.build import described
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.teachers.imported import Packed, folder_name, is_imported, packed, write_imported
from pairgen.teachers.imported_name import default_name
from pairgen.teachers.imported_network import ImportedTeacher
from pairgen.teachers.imported_samples import samples_of
from pairgen.teachers.teacher import load_teacher
from storage.fs import Folder
from storage.local_paths import local_file
from storage.plugins import configure

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
    folder = store_import(wanted, home_folder(home) / "teachers")
    if wanted.has_samples and not folder.exists(PICTURE):
        _draw(folder)
    card = teacher_card(folder, licence=licence)
    folder.replace("card.md", card.text.encode())
    typer.echo(f"{folder.url}: {card.summary}")


def store_import(wanted: Import, teachers: Folder) -> Folder:
    """Store a teacher with its card, without a picture; a ValueError for what is no checkpoint."""
    path = local_file(wanted.file, "the checkpoint to import")
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; name the checkpoint to import")
    folder, teacher = _read(path, wanted, teachers)
    if teacher is not None:
        write_imported(folder, teacher)
    if not folder.exists("card.md"):
        folder.replace("card.md", teacher_card(folder).text.encode())
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
    plugin = cast(ImportedTeacher, configure("pairgen.teachers", config["model"]))
    if len(plugin.kind.shape) != 3:
        return  # points are no pictures
    sampler = cast(FixedSteps, configure("pairgen.samplers", config["sampler"]))
    digest = config["weights"]["sha256"]
    # The weights as read have no name here, so that they are in memory once while samples are drawn.
    teacher = load_teacher(
        plugin, plugin.kind.shape, weights=read_weights(folder, config), digest=digest
    )
    with Terminal() as terminal:
        meter = Meter(terminal.report, "samples", folder.name, NUM_SAMPLES, "images")
        meter.at(0)
        images = samples_of(teacher, plugin.kind, sampler, count=NUM_SAMPLES, report=meter.at)
    folder.replace(PICTURE, grid_png(images))
