"""Reads a student's measured numbers, without torch."""

from collections.abc import Mapping
from typing import Any

from kdm.evaluate.evaluate import meanings_of
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.report.tables import number
from storage.digest import seal, short, unseal
from storage.errors import DamageError
from storage.folders import Folder
from storage.options import parse

_NUM_KEY_METRICS = 3
# In a student's folder: what metrics.json was under other options, by its identity.
_FORMER = "measured"


def read_metrics(folder: Folder) -> dict[str, Any] | None:
    """A student's metrics document; None if it's missing or damaged (it's then made again)."""
    return _read(folder, "metrics.json")


def former_metrics(folder: Folder, identity: str) -> dict[str, Any] | None:
    """What the student's metrics document was with this identity; None if that wasn't kept."""
    document = _read(folder, _former(identity))
    return document if document is not None and document["identity"] == identity else None


def replace_metrics(folder: Folder, document: Mapping[str, Any]) -> None:
    """Write a metrics document; the one in its place is kept, so that it isn't measured again."""
    standing = read_metrics(folder)
    is_another = standing is not None and standing["identity"] != document["identity"]
    if standing is not None and is_another and "values" in standing:
        folder.replace(_former(standing["identity"]), seal(standing))
    folder.replace("metrics.json", seal(document))


def _former(identity: str) -> str:
    return f"{_FORMER}/{short(identity)}.json"


def _read(folder: Folder, name: str) -> dict[str, Any] | None:
    if not folder.exists(name):
        return None
    try:
        document = unseal(folder.read(name), f"{folder.url}/{name}")
    except DamageError:
        return None
    document.pop("digest")
    return document


def key_numbers(document: dict[str, Any] | None) -> str:
    """The first three numbers of a metrics document, in the order of its metrics."""
    if document is None or "values" not in document:
        return "not evaluated"
    try:
        options = parse(EvaluationOptions, document["options"], "metrics.json: options")
    except ValueError:
        return "measured by metrics that aren't installed here"
    values = document["values"]
    names = [name for name in meanings_of(options.metrics) if name in values]
    return ", ".join(f"{name} {number(values[name])}" for name in names[:_NUM_KEY_METRICS])
