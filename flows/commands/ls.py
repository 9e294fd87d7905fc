"""`kdm ls`: lists what a home holds, a table for each kind of thing, or everything as JSON."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import typer

from flows.commands.differences import differences
from flows.commands.listing import ABOUT, Listing, Row
from flows.commands.made_by import recipes_by_thing, remembered_runs
from flows.commands.model_rows import MODEL_HEAD, classifiers, students, teachers
from flows.commands.page_rows import page_rows
from flows.commands.pairs_rows import PAIRS_HEAD, UNKNOWN, pairs_rows, purged_words, readable_spec
from flows.home import ANALYSES, bare, home_folder, things
from flows.table import aligned, many, num_bytes, say_document


def ls(home: str, *, as_json: bool = False) -> None:
    """Print what is there, one table per kind; as JSON, a list per kind."""
    folder = home_folder(home)
    files = folder.files()
    runs = remembered_runs(folder, things(folder, "reports"))
    listing = Listing(folder, files, recipes_by_thing(runs), runs)
    size = sum(each.num_bytes for each in files.values())
    found = {kind: rows(listing, things(folder, kind)) for kind, (_, rows) in _TABLES.items()}
    if as_json:
        kinds = {kind: [row.facts for row in rows] for kind, rows in found.items()}
        say_document({"home": folder.url, "bytes": size, **kinds, ANALYSES: _analyses(listing)})
        return
    typer.echo(f"{folder.url} ({num_bytes(size)})")
    for kind, rows in found.items():
        if rows:
            typer.echo(f"\n{kind}\n{_printed([Row(_TABLES[kind][0]), *rows])}")
    _say_analyses(_analyses(listing))


def _analyses(listing: Listing) -> dict[str, int]:
    """What studies keep beside their students: files without names of their own."""
    count = sum(name.startswith(f"{ANALYSES}/") for name in listing.files)
    return {"results": count, "bytes": listing.num_bytes(ANALYSES)}


def _say_analyses(found: dict[str, int]) -> None:
    if found["results"]:
        typer.echo(
            f"\n{ANALYSES}\n  {many(found['results'], 'result')} of analyses of students "
            f"({num_bytes(found['bytes'])}); you may delete this folder"
        )


def _printed(rows: Sequence[Row]) -> str:
    lines = aligned([row.cells for row in rows], indent="  ").split("\n")
    said = [
        [line, *([f"      {row.below}"] if row.below else [])]
        for line, row in zip(lines, rows, strict=True)
    ]
    return "\n".join(line for each in said for line in each)


def _references(listing: Listing, names: Sequence[str]) -> list[Row]:
    rows = []
    for name in names:
        place, about = f"references/{name}", listing.about("references", name)
        count = about["of"]["count"] if about else None
        view = about["identity"]["view"] if about else None
        network = f"{view['network']}, {view['mode']}" if view else "damaged"
        finished = listing.finished(f"{place}/{ABOUT}")
        said = UNKNOWN if count is None else f"{count:,}"
        facts = {
            **listing.facts(place, ABOUT),
            "state": "finished" if about else "damaged",
            "pictures": count,
            "network": view["network"] if view else None,
            "mode": view["mode"] if view else None,
        }
        rows.append(Row([name, said, network, finished, listing.size(place)], facts=facts))
    return rows


def _features(listing: Listing, names: Sequence[str]) -> list[Row]:
    rows = []
    for name in names:
        place, about = f"features/{name}", listing.about("features", name)
        begun = listing.finished(f"{place}/{ABOUT}")
        whose = about["of"] if about else "damaged"
        count = about["identity"]["count"] if about else None
        said = UNKNOWN if count is None else f"{count:,}"
        facts = {
            **listing.facts(place, ABOUT),
            "state": "readable" if about else "damaged",
            "of": about["of"] if about else None,
            "pictures": count,
        }
        facts["begun"] = facts.pop("finished")
        rows.append(Row([name, whose, said, begun, listing.size(place)], facts=facts))
    return rows


def _pairs(listing: Listing, names: Sequence[str]) -> list[Row]:
    alike: dict[str, dict[str, Any]] = {}
    for name in names:
        alike.setdefault(bare(name), {})[name] = readable_spec(listing.home / "pairs" / name)
    apart = {name: said for each in alike.values() for name, said in differences(each).items()}
    rows = []
    for name in names:
        folder = listing.home / "pairs" / name
        recipe, purged = listing.recipes.get(f"pairs/{name}"), purged_words(folder)
        more = {"recipe": recipe, "apart": apart[name], "purged": purged}
        *before, last = [Row(cells, "", {**facts, **more}) for cells, facts in pairs_rows(folder)]
        said = [*([f"recipe {recipe}"] if recipe else []), apart[name]]
        said += [f"purged: {words}" for words in purged]
        below = "; ".join(each for each in said if each)
        rows += [*before, last._replace(below=below)]
    return rows


_Rows = Callable[[Listing, Sequence[str]], list[Row]]


_TABLES: dict[str, tuple[list[str], _Rows]] = {
    "teachers": (MODEL_HEAD, teachers),
    "pairs": (PAIRS_HEAD, _pairs),
    "students": (MODEL_HEAD, students),
    "classifiers": (["name", "accuracy", "finished", "size"], classifiers),
    "references": (["name", "pictures", "network", "finished", "size"], _references),
    "features": (["name", "what was seen", "pictures", "begun", "size"], _features),
    "studies": (["name", "students", "seeds", "finished", "size"], partial(page_rows, "studies")),
    "filtered": (["name", "pairs", "dropped", "finished", "size"], partial(page_rows, "filtered")),
    "proofs": (["name", "filters", "finished", "size"], partial(page_rows, "proofs")),
    "audits": (["name", "samples", "finished", "size"], partial(page_rows, "audits")),
    "reports": (["name", "recipe", "finished", "size"], partial(page_rows, "reports")),
}
