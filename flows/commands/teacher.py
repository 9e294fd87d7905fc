"""`kdm teacher import`: stores a published teacher, its card and a picture of samples."""

from typing import cast

import typer

from flows.commands.teacher_grid import grid_png
from flows.config.imported_card import PICTURE, teacher_card
from flows.config.teacher_import import Import, store_import
from flows.home import home_folder
from flows.progress import Meter
from kdm.licences import require_licence
from kdm.trained import read_config, read_weights
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.teachers.imported_network import ImportedTeacher
from pairgen.teachers.imported_samples import samples_of
from pairgen.teachers.teacher import load_teacher
from storage.folders import Folder
from storage.plugins import configure

NUM_SAMPLES = 16


def import_teacher(wanted: Import, home: str) -> None:
    """Store a teacher, its card and its picture; what exists stays as it is."""
    licence = require_licence(wanted.licence) if wanted.licence else ""
    folder = store_import(wanted, home_folder(home) / "teachers")
    if wanted.has_samples and not folder.exists(PICTURE):
        _draw(folder)
    card = teacher_card(folder, licence=licence)
    folder.replace("card.md", card.text.encode())
    typer.echo(f"{folder.url}: {card.summary}")


def _draw(folder: Folder) -> None:
    # Imported here because it imports all recipes, and an import needs the memory for tensors.
    from flows.terminal import Terminal

    config = read_config(folder)
    assert config is not None  # it was written just now
    plugin = cast(ImportedTeacher, configure("pairgen.teachers", config["model"]))
    if len(plugin.kind.shape) != 3:
        return  # points aren't pictures
    sampler = cast(FixedSteps, configure("pairgen.samplers", config["sampler"]))
    digest = config["weights"]["sha256"]
    # The raw weights aren't kept in a variable, so they're in memory only once while sampling.
    teacher = load_teacher(
        plugin, plugin.kind.shape, weights=read_weights(folder, config), digest=digest
    )
    with Terminal() as terminal:
        meter = Meter(terminal.report, "samples", folder.name, NUM_SAMPLES, "images")
        meter.at(0)
        images = samples_of(teacher, plugin.kind, sampler, count=NUM_SAMPLES, report=meter.at)
    folder.replace(PICTURE, grid_png(images))
