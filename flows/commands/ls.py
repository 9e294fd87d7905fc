"""`kdm ls`: teachers, pairs, students, classifiers and reports at a home, with numbers and sizes."""

from typing import Any

import typer

from flows.commands.find import things
from flows.commands.table import aligned, num_bytes
from flows.request import home_folder
from flows.stages.counts import masked_by_decision, split_counts
from flows.stages.measured import read_metrics
from kdm.evaluate.evaluate import meanings_of
from kdm.evaluate.options import EvaluationOptions
from kdm.report.tables import number
from kdm.trained import read_config
from storage.errors import DamageError, MismatchError
from storage.fs import Folder
from storage.options import parse
from storage.sets import splits_of
from storage.store import PairStore

NUM_KEY_METRICS = 3
PAIRS_HEAD = ["name", "split/layout", "indices", "kept", "masked", "dropped", "size"]


def ls(home: str) -> None:
    """Print what is there, a table a kind."""
    folder = home_folder(home)
    tables = {
        "teachers": [["name", "model", "state", "size"]],
        "pairs": [PAIRS_HEAD],
        "students": [["name", "model", "state", "numbers", "size"]],
        "classifiers": [["name", "accuracy", "size"]],
        "reports": [["name", "page", "size"]],
    }
    rows = {
        "teachers": _teacher,
        "pairs": pairs_rows,
        "students": _student,
        "classifiers": _classifier,
        "reports": _report,
    }
    typer.echo(f"{folder.url} ({num_bytes(folder.num_bytes())})")
    for kind, table in tables.items():
        place = folder / kind
        for name in things(folder, kind):
            table += rows[kind](place / name)
        if len(table) > 1:
            typer.echo(f"\n{kind}\n{aligned(table, indent='  ')}")


def _teacher(folder: Folder) -> list[list[str]]:
    return [[folder.name, *_training(folder), num_bytes(folder.num_bytes())]]


def _student(folder: Folder) -> list[list[str]]:
    size = num_bytes(folder.num_bytes())
    return [[folder.name, *_training(folder), _numbers(read_metrics(folder)), size]]


def _classifier(folder: Folder) -> list[list[str]]:
    return [[folder.name, _accuracy(folder), num_bytes(folder.num_bytes())]]


def _accuracy(folder: Folder) -> str:
    try:
        config = read_config(folder)
    except DamageError:
        return "damaged"
    if config is None:
        return "unfinished"
    return ", ".join(f"{split} {share:.2%}" for split, share in config["accuracy"].items())


def _training(folder: Folder) -> tuple[str, str]:
    try:
        config = read_config(folder)
    except DamageError:
        return "?", "damaged"
    if config is None:
        return "?", "unfinished"
    return str(config["model"]["plugin"]), "trained"


def _numbers(document: dict[str, Any] | None) -> str:
    if document is None or "values" not in document:
        return "not evaluated"
    options = parse(EvaluationOptions, document["options"], "metrics.json: options")
    values = document["values"]
    names = [name for name in meanings_of(options.metrics) if name in values]
    return ", ".join(f"{name} {number(values[name])}" for name in names[:NUM_KEY_METRICS])


def pairs_rows(folder: Folder) -> list[list[str]]:
    """A row a split and layout of a set."""
    rows = []
    for place in splits_of(folder):
        split, layout = place.split("/")
        size = num_bytes((folder / place).num_bytes())
        rows.append([folder.name, place, *_counts(folder, split, layout), size])
    return rows or [[folder.name, "empty", "0", "0", "–", "0", num_bytes(folder.num_bytes())]]


def _counts(folder: Folder, split: str, layout: str) -> tuple[str, str, str, str]:
    try:
        store = PairStore.open(folder, split=split, layout=layout)
        counts, masked = split_counts(store), masked_by_decision(store)
    except (DamageError, MismatchError, ValueError):
        return "?", "?", "?", "damaged: see 'kdm pairs verify'"
    kept = _from_to([counts.kept - each for each in reversed(masked or [0])])
    dropped = counts.attempted - counts.kept
    return f"{counts.attempted:,}", kept, _from_to(masked), f"{dropped:,}"


def _from_to(numbers: list[int]) -> str:
    """'21', or '21–95' of several decisions; '–' where nothing has judged the pairs."""
    if not numbers:
        return "–"
    ends = [f"{number:,}" for number in sorted({numbers[0], numbers[-1]})]
    return "–".join(ends)


def _report(folder: Folder) -> list[list[str]]:
    page = f"{folder.url}/report.html" if folder.exists("report.html") else "none yet"
    return [[folder.name, page, num_bytes(folder.num_bytes())]]
