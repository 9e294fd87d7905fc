"""Turns a metrics document into what report, card and terminal show."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.stage import Run
from kdm.metrics.bootstrap import unpacked
from kdm.metrics.protocol import protocol_digest
from kdm.pretrained import SHA256
from kdm.report.content import Numbers, StudentEntry
from storage.digest import short


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
    """The model, the training and the finish of a recipe's student."""
    return run.recipe.student(name).settings


def references(document: Mapping[str, Any]) -> tuple[Numbers, ...]:
    """The reference rows: the teacher, then real samples if a metric measures them."""
    intervals = document.get("floor_intervals", {})
    teacher = Numbers("teacher", document["floor"], intervals, note="against itself")
    if not document.get("real"):
        return (teacher,)
    note = f"({document['num_real']:,} held out)"
    real = Numbers("real", document["real"], document["real_intervals"], note, absent="")
    return (teacher, real)


def require_one_protocol(documents: Sequence[Mapping[str, Any]]) -> None:
    """Raise a ValueError if a number of several students was measured in different ways.

    They would stand in one column. A run measures all students alike, unless a file of weights or
    statistics changes while it runs.
    """
    first, *others = [(each["student"], each.get("protocols", {})) for each in documents]
    for student, protocols in others:
        for name, protocol in protocols.items():
            known = first[1].get(name, protocol)
            if protocol_digest(known) == protocol_digest(protocol):
                continue
            unlike = [key for key in protocol if key != "digest" and protocol[key] != known[key]]
            if unlike:
                raise ValueError(
                    f"{name} of '{first[0]}' and of '{student}' differ in {', '.join(unlike)}, so "
                    "they can't be compared; run `kdm evaluate` again for all students"
                )


def protocol_words(document: Mapping[str, Any]) -> str:
    """A sentence for all numbers that were measured alike; empty if no number has a protocol."""
    alike: dict[str, dict[str, str]] = {}
    for name, protocol in document.get("protocols", {}).items():
        alike.setdefault(protocol_in_words(protocol), {})[name] = short(protocol_digest(protocol))
    return " ".join(
        f"{', '.join(names)}: {words} ({_protocols(list(dict.fromkeys(names.values())))})."
        for words, names in alike.items()
    )


def _protocols(digests: list[str]) -> str:
    return f"protocol{'s' if len(digests) > 1 else ''} {', '.join(digests)}"


def protocol_in_words(protocol: Mapping[str, Any]) -> str:
    """How a number was measured, in a line."""
    classes, reference = protocol["num_classes"], protocol["reference"]
    of = f" of {classes} classes" if classes else ""
    against = ""
    if reference is not None:
        count = f"{reference['count']:,} pictures, " if reference["count"] else ""
        against = f", against {reference['name']} ({count}{reference['split']})"
    form = "as bytes " if protocol["quantised"] else ""
    network, sha256 = protocol["network"], protocol["network_sha256"]
    known = SHA256.get(network, sha256)
    own = f", {protocol['num_features']:,} features" if protocol.get("num_features") else ""
    other = "" if known == sha256 else ", not the published file"
    return (
        f"{protocol['num_samples']:,} samples{of} {form}through {network} "
        f"(sha256 {short(sha256)}{own}{other}), mode {protocol['mode']}{against}"
    )


def judge_of(document: Mapping[str, Any]) -> str:
    """Sentences about the networks behind classes and features; empty without any."""
    return " ".join(filter(None, (_classifier_words(document), protocol_words(document))))


def _classifier_words(document: Mapping[str, Any]) -> str:
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
