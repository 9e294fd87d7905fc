"""`kdm ls`: lists what a home holds, a table for each kind of thing."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from flows.commands.differences import differences
from flows.commands.listing import ABOUT, Listing, Row
from flows.commands.made_by import recipes_by_thing, remembered_runs
from flows.commands.model_rows import MODEL_HEAD, classifiers, students, teachers
from flows.commands.pairs_rows import PAIRS_HEAD, UNKNOWN, pairs_rows, purged_words
from flows.home import ANALYSES, bare, home_folder, things
from flows.table import aligned, many, num_bytes
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.spec_file import read_spec

_LONGEST_CHANGE = 72  # letters of an override: one may hold a whole recipe's students
_KEY = "key.json"  # of a study with human raters, whose page is with them
_AUDIT = "audit.json"  # written last
_PROOF = "proof.json"  # the same
_PAGE, _NUMBERS = "index.html", "numbers.json"  # of a study or filters, the latter written last


def ls(home: str) -> None:
    """Print what is there, one table per kind."""
    folder = home_folder(home)
    files = folder.files()
    runs = remembered_runs(folder, things(folder, "reports"))
    listing = Listing(folder, files, recipes_by_thing(runs), runs)
    typer.echo(f"{folder.url} ({num_bytes(sum(each.num_bytes for each in files.values()))})")
    for kind, (head, rows) in _TABLES.items():
        found = rows(listing, things(folder, kind))
        if found:
            typer.echo(f"\n{kind}\n{_printed([Row(head), *found])}")
    _say_analyses(listing)


def _say_analyses(listing: Listing) -> None:
    """What studies keep beside their students: files without names of their own."""
    count = sum(name.startswith(f"{ANALYSES}/") for name in listing.files)
    if count:
        typer.echo(
            f"\n{ANALYSES}\n  {many(count, 'result')} of analyses of students "
            f"({listing.size(ANALYSES)}); you may delete this folder"
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
        count = f"{about['of']['count']:,}" if about else UNKNOWN
        network = _network(about["identity"]["view"]) if about else "damaged"
        finished = listing.finished(f"{place}/{ABOUT}")
        rows.append(Row([name, count, network, finished, listing.size(place)]))
    return rows


def _features(listing: Listing, names: Sequence[str]) -> list[Row]:
    rows = []
    for name in names:
        place, about = f"features/{name}", listing.about("features", name)
        begun = listing.finished(f"{place}/{ABOUT}")
        whose = about["of"] if about else "damaged"
        count = f"{about['identity']['count']:,}" if about else UNKNOWN
        rows.append(Row([name, whose, count, begun, listing.size(place)]))
    return rows


def _written(
    listing: Listing, kind: str, name: str, last: str
) -> tuple[Mapping[str, Any] | None, str]:
    """The document that is written last, and when; 'damaged' or 'unfinished' if it isn't whole or there."""
    written, said = f"{kind}/{name}/{last}", listing.about(kind, name, last)
    if said is None and written in listing.files:
        return None, "damaged"
    finished = listing.finished(written)
    return said, "unfinished" if finished == UNKNOWN else finished


def _studies(listing: Listing, names: Sequence[str]) -> list[Row]:
    """Written studies; while its students are made, a study has no folder."""
    rows = []
    for name in names:
        place = f"studies/{name}"
        said, finished = _written(listing, "studies", name, _NUMBERS)
        below = [f"on {said['data']}: {said['study']['title']}"] if said else []
        below += _parts(listing, f"{place}/{_PAGE}")
        cells = [name, *_made_of(said), finished, listing.size(place)]
        rows.append(Row(cells, "; ".join(below)))
    return rows


def _parts(listing: Listing, page: str, *, private: str = "") -> list[str]:
    """That there is a private part, if its document is there, and where the page is, if it's there."""
    said = ["with a private part"] if private in listing.files else []
    return [*said, f"{listing.home.url}/{page}"] if page in listing.files else said


def _audits(listing: Listing, names: Sequence[str]) -> list[Row]:
    """What a student was found to tell of its training set; a private part is named, not read."""
    rows = []
    for name in names:
        place = f"audits/{name}"
        said, finished = _written(listing, "audits", name, _AUDIT)
        below = [f"of students/{said['student']}"] if said else []
        below += _parts(listing, f"{place}/audit.html", private=f"{place}/private/scores.json")
        count = f"{said['of']['count']:,}" if said else UNKNOWN
        rows.append(Row([name, count, finished, listing.size(place)], "; ".join(below)))
    return rows


def _proofs(listing: Listing, names: Sequence[str]) -> list[Row]:
    """Which planted copies filters found beside a set: finished pages."""
    rows = []
    for name in names:
        place = f"proofs/{name}"
        said, finished = _written(listing, "proofs", name, _PROOF)
        below = _parts(listing, f"{place}/index.html")
        count = UNKNOWN if said is None else str(len(said["table"][0]) - 2)
        rows.append(Row([name, count, finished, listing.size(place)], "; ".join(below)))
    return rows


def _filtered(listing: Listing, names: Sequence[str]) -> list[Row]:
    """What filters dropped of sets; a private part is named, not read."""
    rows = []
    for name in names:
        place = f"filtered/{name}"
        said, finished = _written(listing, "filtered", name, _NUMBERS)
        below = [f"of pairs/{said['of']['pairs']}"] if said else []
        below += _parts(listing, f"{place}/{_PAGE}", private=f"{place}/private/pairs.json")
        counts = [UNKNOWN] * 2
        if said:
            splits = said["splits"]
            counts = [f"{sum(each[key] for each in splits):,}" for key in ("attempted", "masked")]
        cells = [name, *counts, finished, listing.size(place)]
        rows.append(Row(cells, "; ".join(below)))
    return rows


def _made_of(study: Mapping[str, Any] | None) -> list[str]:
    """How many students a study has, and of how many seeds."""
    if study is None:
        return [UNKNOWN] * 2
    trials = study["trials"]
    return [str(len(trials)), str(len({each["seed"] for each in trials}))]


def _network(view: Mapping[str, Any]) -> str:
    return f"{view['network']}, {view['mode']}"


def _pairs(listing: Listing, names: Sequence[str]) -> list[Row]:
    alike: dict[str, dict[str, Any]] = {}
    for name in names:
        alike.setdefault(bare(name), {})[name] = _spec(listing.home / "pairs" / name)
    apart = {name: said for each in alike.values() for name, said in differences(each).items()}
    rows = []
    for name in names:
        *before, last = [Row(cells) for cells in pairs_rows(listing.home / "pairs" / name)]
        recipe = listing.recipes.get(f"pairs/{name}")
        said = [*([f"recipe {recipe}"] if recipe else []), apart[name]]
        said += [f"purged: {words}" for words in purged_words(listing.home / "pairs" / name)]
        rows += [*before, Row(last.cells, "; ".join(each for each in said if each))]
    return rows


def _spec(folder: Folder) -> dict[str, Any]:
    try:
        spec = read_spec(folder)
    except (DamageError, MismatchError, FileNotFoundError, ValueError):
        return {}
    return {key: value for key, value in spec.items() if key != "digest"}


def _reports(listing: Listing, names: Sequence[str]) -> list[Row]:
    changes = {run.report: ", ".join(map(_cut, run.overrides)) for run in listing.runs}
    rows = []
    for name in names:
        page = f"reports/{name}/report.html"
        has_page = page in listing.files
        recipe = listing.recipes.get(f"reports/{name}", UNKNOWN)
        finished = listing.finished(page if has_page else f"reports/{name}/{_KEY}")
        finished = "none yet" if finished == UNKNOWN else finished
        said = [changes.get(name, ""), f"{listing.home.url}/{page}" if has_page else ""]
        cells = [name, recipe, finished, listing.size(f"reports/{name}")]
        rows.append(Row(cells, "; ".join(each for each in said if each)))
    return rows


def _cut(change: str) -> str:
    return change if len(change) <= _LONGEST_CHANGE else f"{change[: _LONGEST_CHANGE - 1]}…"


_TABLES = {
    "teachers": (MODEL_HEAD, teachers),
    "pairs": (PAIRS_HEAD, _pairs),
    "students": (MODEL_HEAD, students),
    "classifiers": (["name", "accuracy", "finished", "size"], classifiers),
    "references": (["name", "pictures", "network", "finished", "size"], _references),
    "features": (["name", "what was seen", "pictures", "begun", "size"], _features),
    "studies": (["name", "students", "seeds", "finished", "size"], _studies),
    "filtered": (["name", "pairs", "dropped", "finished", "size"], _filtered),
    "proofs": (["name", "filters", "finished", "size"], _proofs),
    "audits": (["name", "samples", "finished", "size"], _audits),
    "reports": (["name", "recipe", "finished", "size"], _reports),
}
