"""`kdm pairs ls` and `show`: lists sets, and shows what is in one."""

import typer

from flows.commands.pairs_rows import PAIRS_HEAD, pairs_rows
from flows.commands.stored_set import require_set
from flows.documents.split_document import split_document
from flows.home import found, home_folder, things
from flows.table import aligned, say_document
from kdm.report.existing_card import licence_of
from storage.digest import digest_of
from storage.set_folder import splits_of
from storage.spec_file import own_spec
from storage.yaml_text import yaml_text


def list_sets(home: str, *, as_json: bool) -> None:
    """Print the table of sets, a row for each split and layout."""
    folder = home_folder(home)
    rows = [row for name in things(folder, "pairs") for row in pairs_rows(folder / "pairs" / name)]
    if as_json:
        say_document({"home": folder.url, "pairs": [row.facts for row in rows]})
    else:
        typer.echo(aligned([PAIRS_HEAD, *(row.cells for row in rows)]))


def show(name: str, home: str, *, as_json: bool) -> None:
    """Print what determines a set, and what is in each split and layout."""
    folder = found(home, "pairs", name)
    require_set(folder)
    spec = own_spec(folder)
    document = {
        "folder": folder.url,
        "spec_digest": digest_of(spec),
        "licence": licence_of(folder) if folder.exists("card.md") else "unknown (no card)",
        "spec": spec,
        "splits": {place: split_document(folder, *place.split("/")) for place in splits_of(folder)},
    }
    if as_json:
        say_document(document)
    else:
        typer.echo(yaml_text(document).rstrip())
