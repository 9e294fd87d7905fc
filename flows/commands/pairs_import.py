"""`kdm pairs import`: stores a published set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import typer

from flows.commands.import_options import importer_options, rows_of_split
from flows.config.imported_pairs import ImportedPairs
from flows.config.load import load_recipe
from flows.documents.set_card import write_set_card
from flows.documents.set_origin import origin_of_card
from flows.home import home_folder
from flows.terminal import counting
from kdm.licences import require_licence
from storage.folders import local_file
from storage.importers import import_pairs, importer_of

DEFAULT_IMPORTER = "kdm-checkerboard"


@dataclass(frozen=True)
class Import:
    """What the user asks for when importing a set."""

    source: str
    importer: str = ""  # else detected
    name: str = ""
    train: str = ""  # rows, as FIRST:END
    heldout: str = ""
    layout: str = ""
    licence: str = ""
    options: Sequence[str] = ()  # NAME=VALUE, of the importer
    noise: str = ""  # 'first' or 'last'; else detected


def import_set(wanted: Import, home: str) -> None:
    """Store a published set. Which end is noise is detected, or stated by the user."""
    licence = require_licence(wanted.licence) if wanted.licence else ""
    defaults = load_recipe("checkerboard-import").pairs
    assert isinstance(defaults, ImportedPairs)  # that is what the recipe is
    source = local_file(wanted.source, "what is imported")
    wanted = replace(wanted, importer=wanted.importer or importer_of(source))
    with counting("import", wanted.source, "pairs") as report:
        made = import_pairs(
            wanted.importer,
            source,
            home_folder(home) / "pairs",
            name=wanted.name or _name(wanted, defaults),
            rows=_rows(wanted, defaults),
            layout=wanted.layout or defaults.layout,
            report=report,
            **importer_options(wanted.options, wanted.noise),
        )
    known = origin_of_card(made.folder)
    write_set_card(made.folder, known._replace(licence=licence or known.licence))
    counts = ", ".join(f"{count:,} {split}" for split, count in made.counts.items())
    typer.echo(f"{made.folder.url}: {counts}")
    if made.advice:
        typer.echo(made.advice)


def _name(wanted: Import, defaults: ImportedPairs) -> str:
    if wanted.importer == DEFAULT_IMPORTER:
        return defaults.name
    raise ValueError(f"name the set with --name (importer {wanted.importer})")


def _rows(wanted: Import, defaults: ImportedPairs) -> Mapping[str, tuple[int, int]] | None:
    """The given rows; for the published checkerboard the defaults are its recipe's."""
    given = {"train": wanted.train, "heldout": wanted.heldout}
    rows = {split: rows_of_split(split, text) for split, text in given.items() if text}
    if wanted.importer == DEFAULT_IMPORTER:
        return {"train": defaults.train_rows, "heldout": defaults.heldout_rows} | rows
    return rows or None
