"""Reads a student's measured numbers, without torch."""

from typing import Any

from kdm.evaluate.evaluate import meanings_of
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.report.tables import number
from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder
from storage.options import parse

_NUM_KEY_METRICS = 3


def read_metrics(folder: Folder) -> dict[str, Any] | None:
    """A student's metrics document; None if it's missing or damaged (it's then made again)."""
    if not folder.exists("metrics.json"):
        return None
    try:
        document = unseal(folder.read("metrics.json"), f"{folder.url}/metrics.json")
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
