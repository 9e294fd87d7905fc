"""`kdm ls`: lists what a home holds, a table for each kind of thing."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import typer

from flows.commands.differences import differences
from flows.commands.made_by import Remembered, recipes_by_thing, remembered_runs
from flows.commands.pairs_rows import PAIRS_HEAD, UNKNOWN, moment, pairs_rows
from flows.documents.measured import read_metrics
from flows.home import ANALYSES, bare, home_folder, things
from flows.table import aligned, many, num_bytes
from kdm.evaluate.evaluate import meanings_of
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.report.tables import number
from kdm.trained import CONFIG, read_config
from storage.digest import unseal
from storage.errors import DamageError, MismatchError
from storage.folders import FileInfo, Folder
from storage.options import parse
from storage.spec_file import read_spec

NUM_KEY_METRICS = 3
_LONGEST_CHANGE = 72  # letters of an override: one may hold a whole recipe's students
_KEY = "key.json"  # of a study with human raters, whose page is with them
ABOUT = "about.json"  # of references and features
_PAGE, _NUMBERS = "index.html", "numbers.json"  # of a study, the latter written last


class _Row(NamedTuple):
    """A line of a table, and the text below it."""

    cells: list[str]
    below: str = ""


class _Listing(NamedTuple):
    """A home's files and runs, read once."""

    home: Folder
    files: Mapping[str, FileInfo]  # below the home
    recipes: Mapping[str, str]  # by KIND/NAME
    runs: Sequence[Remembered]

    def size(self, place: str) -> str:
        """The size of all files below a place."""
        found = (each for name, each in self.files.items() if name.startswith(f"{place}/"))
        return num_bytes(sum(each.num_bytes for each in found))

    def finished(self, name: str) -> str:
        """When a file was written."""
        return moment(self.files[name].modified_at) if name in self.files else UNKNOWN


def ls(home: str) -> None:
    """Print what is there, one table per kind."""
    folder = home_folder(home)
    files = folder.files()
    runs = remembered_runs(folder, things(folder, "reports"))
    listing = _Listing(folder, files, recipes_by_thing(runs), runs)
    typer.echo(f"{folder.url} ({num_bytes(sum(each.num_bytes for each in files.values()))})")
    for kind, (head, rows) in _TABLES.items():
        found = rows(listing, things(folder, kind))
        if found:
            typer.echo(f"\n{kind}\n{_printed([_Row(head), *found])}")
    _say_analyses(listing)


def _say_analyses(listing: _Listing) -> None:
    """What studies keep beside their students: files without names of their own."""
    count = sum(name.startswith(f"{ANALYSES}/") for name in listing.files)
    if count:
        typer.echo(
            f"\n{ANALYSES}\n  {many(count, 'answer')} of students to what studies asked "
            f"({listing.size(ANALYSES)}); the folder may be deleted"
        )


def _printed(rows: Sequence[_Row]) -> str:
    lines = aligned([row.cells for row in rows], indent="  ").split("\n")
    said = [
        [line, *([f"      {row.below}"] if row.below else [])]
        for line, row in zip(lines, rows, strict=True)
    ]
    return "\n".join(line for each in said for line in each)


def _teachers(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    return _trained(listing, "teachers", names, numbers={})


def _students(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    metrics = {name: read_metrics(listing.home / "students" / name) for name in names}
    return _trained(listing, "students", names, numbers=metrics)


def _trained(
    listing: _Listing,
    kind: str,
    names: Sequence[str],
    *,
    numbers: Mapping[str, dict[str, Any] | None],
) -> list[_Row]:
    """Models, with what sets each apart from others of its plugin, and its measured numbers."""
    configs = {name: _config(listing.home / kind / name) for name in names}
    apart = _apart(configs, numbers)
    rows = []
    for name, config in configs.items():
        place, is_whole = f"{kind}/{name}", isinstance(config, dict)
        model = config["model"]["plugin"] if isinstance(config, dict) else "?"
        finished = listing.finished(f"{place}/{CONFIG}") if is_whole else str(config)
        recipe = listing.recipes.get(place, UNKNOWN)
        below = [apart.get(name, ""), _numbers(numbers[name]) if name in numbers else ""]
        cells = [name, model, recipe, finished, listing.size(place)]
        rows.append(_Row(cells, "; ".join(each for each in below if each)))
    return rows


def _config(folder: Folder) -> dict[str, Any] | str:
    """What config.json says, or what is wrong with it."""
    try:
        return read_config(folder) or "unfinished"
    except DamageError:
        return "damaged"


def _apart(
    configs: Mapping[str, dict[str, Any] | str], numbers: Mapping[str, dict[str, Any] | None]
) -> dict[str, str]:
    alike: dict[str, dict[str, Any]] = {}
    for name, config in configs.items():
        if isinstance(config, dict):
            pairs = (numbers.get(name) or {}).get("pairs")
            settings = {**_settings(config["identity"]), **({"pairs": pairs} if pairs else {})}
            alike.setdefault(config["model"]["plugin"], {})[name] = settings
    return {name: said for each in alike.values() for name, said in differences(each).items()}


def _settings(identity: Mapping[str, Any]) -> dict[str, Any]:
    """A training's settings, without what only follows from its pairs."""
    source = identity.get("source", {})
    kept = {key: source[key] for key in ("count", "dataset") if key in source}
    return {**{key: identity[key] for key in identity if key != "source"}, **kept}


def _classifiers(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    rows = []
    for name in names:
        place = f"classifiers/{name}"
        finished = listing.finished(f"{place}/{CONFIG}")
        accuracy = _accuracy(listing.home / place)
        rows.append(_Row([name, accuracy, finished, listing.size(place)]))
    return rows


def _accuracy(folder: Folder) -> str:
    config = _config(folder)
    if isinstance(config, str):
        return config
    return ", ".join(f"{split} {share:.2%}" for split, share in config["accuracy"].items())


def _references(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    rows = []
    for name in names:
        place, about = f"references/{name}", _about(listing, "references", name)
        count = f"{about['of']['count']:,}" if about else UNKNOWN
        network = _network(about["identity"]["view"]) if about else "damaged"
        finished = listing.finished(f"{place}/{ABOUT}")
        rows.append(_Row([name, count, network, finished, listing.size(place)]))
    return rows


def _features(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    rows = []
    for name in names:
        place, about = f"features/{name}", _about(listing, "features", name)
        begun = listing.finished(f"{place}/{ABOUT}")
        whose = about["of"] if about else "damaged"
        count = f"{about['identity']['count']:,}" if about else UNKNOWN
        rows.append(_Row([name, whose, count, begun, listing.size(place)]))
    return rows


def _studies(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    """Written studies; while its students are made, a study has no folder."""
    rows = []
    for name in names:
        place = f"studies/{name}"
        written, said = f"{place}/{_NUMBERS}", _about(listing, "studies", name, _NUMBERS)
        is_damaged = said is None and written in listing.files
        finished = "damaged" if is_damaged else listing.finished(written)
        page = f"{place}/{_PAGE}"
        below = [f"on {said['data']}: {said['study']['title']}"] if said else []
        below += [f"{listing.home.url}/{page}"] if page in listing.files else []
        finished = "unfinished" if finished == UNKNOWN else finished
        cells = [name, *_made_of(said), finished, listing.size(place)]
        rows.append(_Row(cells, "; ".join(below)))
    return rows


def _made_of(study: Mapping[str, Any] | None) -> list[str]:
    """How many students a study has, and of how many seeds."""
    if study is None:
        return [UNKNOWN] * 2
    trials = study["trials"]
    return [str(len(trials)), str(len({each["seed"] for each in trials}))]


def _about(listing: _Listing, kind: str, name: str, file: str = ABOUT) -> dict[str, Any] | None:
    """What a folder says of itself; None if it can't be read."""
    place = f"{kind}/{name}/{file}"
    try:
        return unseal(listing.home.read(place), place)
    except (FileNotFoundError, DamageError):
        return None


def _network(view: Mapping[str, Any]) -> str:
    return f"{view['network']}, {view['mode']}"


def _numbers(document: dict[str, Any] | None) -> str:
    if document is None or "values" not in document:
        return "not evaluated"
    try:
        options = parse(EvaluationOptions, document["options"], "metrics.json: options")
    except ValueError:
        return "measured by metrics that aren't installed here"
    values = document["values"]
    names = [name for name in meanings_of(options.metrics) if name in values]
    return ", ".join(f"{name} {number(values[name])}" for name in names[:NUM_KEY_METRICS])


def _pairs(listing: _Listing, names: Sequence[str]) -> list[_Row]:
    alike: dict[str, dict[str, Any]] = {}
    for name in names:
        alike.setdefault(bare(name), {})[name] = _spec(listing.home / "pairs" / name)
    apart = {name: said for each in alike.values() for name, said in differences(each).items()}
    rows = []
    for name in names:
        *before, last = [_Row(cells) for cells in pairs_rows(listing.home / "pairs" / name)]
        recipe = listing.recipes.get(f"pairs/{name}")
        said = [*([f"recipe {recipe}"] if recipe else []), apart[name]]
        rows += [*before, _Row(last.cells, "; ".join(each for each in said if each))]
    return rows


def _spec(folder: Folder) -> dict[str, Any]:
    try:
        spec = read_spec(folder)
    except (DamageError, MismatchError, FileNotFoundError, ValueError):
        return {}
    return {key: value for key, value in spec.items() if key != "digest"}


def _reports(listing: _Listing, names: Sequence[str]) -> list[_Row]:
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
        rows.append(_Row(cells, "; ".join(each for each in said if each)))
    return rows


def _cut(change: str) -> str:
    return change if len(change) <= _LONGEST_CHANGE else f"{change[: _LONGEST_CHANGE - 1]}…"


_TRAINED_HEAD = ["name", "model", "recipe", "finished", "size"]
_TABLES = {
    "teachers": (_TRAINED_HEAD, _teachers),
    "pairs": (PAIRS_HEAD, _pairs),
    "students": (_TRAINED_HEAD, _students),
    "classifiers": (["name", "accuracy", "finished", "size"], _classifiers),
    "references": (["name", "pictures", "network", "finished", "size"], _references),
    "features": (["name", "what was seen", "pictures", "begun", "size"], _features),
    "studies": (["name", "students", "seeds", "finished", "size"], _studies),
    "reports": (["name", "recipe", "finished", "size"], _reports),
}
