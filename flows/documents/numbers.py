"""Turns a metrics document into what report, card and terminal show."""

from collections.abc import Mapping
from typing import Any

from flows.stage import Run
from kdm.metrics.bootstrap import unpacked
from kdm.report.content import Numbers, StudentEntry
from storage.plugins import describe


def entry(document: Mapping[str, Any], settings: Mapping[str, Any]) -> StudentEntry:
    """One student."""
    return StudentEntry(
        name=document["student"],
        digest=document["student_digest"],
        values=document["values"],
        num_trainable_parameters=document["parameters"]["trainable"],
        num_inference_parameters=document["parameters"]["inference"],
        settings=settings,
        intervals=document.get("intervals", {}),
        # Older documents lack them; their students are compared by separate intervals.
        deviations={name: unpacked(each) for name, each in document.get("deviations", {}).items()},
        drawn_on=document.get("drawn_on", {}),
    )


def settings_of(run: Run, name: str) -> dict[str, Any]:
    """The model and the training of a recipe's student."""
    recipe = next(student for student in run.recipe.students if student.name == name)
    return {"model": describe(recipe.model), "training": recipe.training.model_dump(mode="json")}


def references(document: Mapping[str, Any]) -> tuple[Numbers, ...]:
    """The reference rows: the teacher, then real samples if a metric measures them."""
    intervals = document.get("floor_intervals", {})
    teacher = Numbers("teacher", document["floor"], intervals, note="against itself")
    if not document.get("real"):
        return (teacher,)
    note = f"({document['num_real']:,} held out)"
    real = Numbers("real", document["real"], document["real_intervals"], note, absent="")
    return (teacher, real)


def judge_of(document: Mapping[str, Any]) -> str:
    """A sentence about the classifier behind classes and features; empty without one."""
    classifier = document.get("classifier")
    if classifier is None:
        return ""
    told = classifier["accuracy"].get("heldout")
    share = (
        f", which classifies {100 * told:.1f}% of {document['num_real']:,} held-out pictures correctly"
        if told
        else ""
    )
    return (
        f"Classes and features are those of the classifier {classifier['name']}, trained on the "
        f"real pictures{share}."
    )
