"""A metrics document as report, card and terminal show it."""

from collections.abc import Mapping
from typing import Any

from flows.stage import Run
from kdm.evaluate.bootstrap import unpacked
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
        # Documents of old have none; their students are compared by separate intervals.
        deviations={name: unpacked(each) for name, each in document.get("deviations", {}).items()},
        drawn_on=document.get("drawn_on", {}),
    )


def settings_of(run: Run, name: str) -> dict[str, Any]:
    """The model and the training of a recipe's student."""
    recipe = next(student for student in run.recipe.students if student.name == name)
    return {"model": describe(recipe.model), "training": recipe.training.model_dump(mode="json")}


def references(document: Mapping[str, Any]) -> tuple[Numbers, ...]:
    """What stands in the student's place: its teacher, then real samples where a metric says so."""
    intervals = document.get("floor_intervals", {})
    teacher = Numbers("teacher", document["floor"], intervals, note="against itself")
    if not document.get("real"):
        return (teacher,)
    note = f"({document['num_real']:,} held out)"
    real = Numbers("real", document["real"], document["real_intervals"], note, absent="")
    return (teacher, real)


def judge_of(document: Mapping[str, Any]) -> str:
    """Who judged classes and features, and how well it tells real samples; nothing where nobody."""
    classifier = document.get("classifier")
    if classifier is None:
        return ""
    told = classifier["accuracy"].get("heldout")
    share = f", and tells {100 * told:.1f}% of {document['num_real']:,} held out" if told else ""
    return (
        f"Classes and features are those of the classifier {classifier['name']}, which learned the "
        f"real pictures{share}."
    )
