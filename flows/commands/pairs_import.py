"""`kdm pairs import`: stores a published set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from flows.commands.import_options import importer_options, rows_of_split
from flows.config.imported_pairs import ImportedPairs
from flows.config.load import load_recipe
from flows.documents.set_card import write_set_card
from flows.documents.set_origin import origin_of_card
from flows.home import home_folder
from flows.terminal import counting
from kdm.licences import require_licence
from storage.folders import Folder, WouldWriteError, local_file, untouched
from storage.importers import ImportedSet, import_pairs, importer_of

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
    is_dry: bool = False


def import_set(wanted: Import, home: str) -> None:
    """Store a published set. Which end is noise is detected, or stated by the user.

    A dry run looks at all of the source, and says where the set would be.
    """
    licence = require_licence(wanted.licence) if wanted.licence else ""
    defaults = load_recipe("checkerboard-import").pairs
    assert isinstance(defaults, ImportedPairs)  # that is what the recipe is
    source = local_file(wanted.source, "what is imported")
    wanted = replace(wanted, importer=wanted.importer or importer_of(source))
    if wanted.is_dry:
        typer.echo(f"{_would(wanted, source, home, defaults)}; nothing was written")
        return
    made = _stored(wanted, source, home_folder(home) / "pairs", defaults)
    known = origin_of_card(made.folder)
    write_set_card(made.folder, known._replace(licence=licence or known.licence))
    counts = ", ".join(f"{count:,} {split}" for split, count in made.counts.items())
    typer.echo(f"{made.folder.url}: {counts}")
    if made.advice:
        typer.echo(made.advice)


def _stored(wanted: Import, source: Path, pairs: Folder, defaults: ImportedPairs) -> ImportedSet:
    with counting("import", wanted.source, "pairs") as report:
        return import_pairs(
            wanted.importer,
            source,
            pairs,
            name=wanted.name or _name(wanted, defaults),
            rows=_rows(wanted, defaults),
            layout=wanted.layout or defaults.layout,
            report=report,
            **importer_options(wanted.options, wanted.noise),
        )


def _would(wanted: Import, source: Path, home: str, defaults: ImportedPairs) -> str:
    with untouched():
        pairs = home_folder(home) / "pairs"
        try:
            made = _stored(wanted, source, pairs, defaults)
        except WouldWriteError as first:  # of its files, after all that it refuses
            name = str(first).removeprefix(f"{pairs.url}/").partition("/")[0]
            return f"{pairs.url}/{name}: would be stored by importer {wanted.importer}"
    return f"{made.folder.url}: is there"


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
