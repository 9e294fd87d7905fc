"""`kdm teacher import`: stores a published teacher, its card and a picture of samples."""

import typer

from flows.commands.teacher_picture import drawn
from flows.config.imported_card import PICTURE, teacher_card
from flows.config.teacher_import import Import, planned_import, store_import
from flows.home import home_folder
from kdm.licences import require_licence


def import_teacher(wanted: Import, home: str, *, is_dry: bool = False) -> None:
    """Store a teacher, its card and its picture; what exists stays as it is."""
    licence = require_licence(wanted.licence) if wanted.licence else ""
    if is_dry:
        planned, is_there = planned_import(wanted, home_folder(home) / "teachers")
        state = "is there" if is_there else "would be stored"
        typer.echo(f"{planned.url}: {state}; nothing was written")
        return
    folder = store_import(wanted, home_folder(home) / "teachers")
    if wanted.has_samples and not folder.exists(PICTURE):
        picture = drawn(folder)
        if picture is not None:
            folder.replace(PICTURE, picture)
    card = teacher_card(folder, licence=licence)
    folder.replace("card.md", card.text.encode())
    typer.echo(f"{folder.url}: {card.summary}")
