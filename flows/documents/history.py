"""Every evaluation that a home has seen, a small file each."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flows.documents.numbers import protocol_in_words
from flows.stage import Run, StageResult
from kdm.metrics.bootstrap import unpacked
from kdm.metrics.protocol import column, protocol_digest
from kdm.report.content import EvaluationEvent
from storage.digest import seal, unseal
from storage.folders import Folder

DIGITS = 6  # of a protocol's digest, in a column's head
_UNCERTAINTY = ("intervals", "deviations", "drawn_on")
_EVENT = re.compile(r"[0-9a-f]{64}\.json")


def read_events(home: Folder) -> list[EvaluationEvent]:
    """Every evaluation that the home has seen, by time."""
    history = home / "reports" / "history"
    names = filter(_EVENT.fullmatch, history.names())  # copies and notes aren't events
    documents = [unseal(history.read(name), f"{history.url}/{name}") for name in names]
    events = [_event(document) for document in documents]
    return sorted(events, key=lambda event: (event.when, event.student))


def _event(document: Mapping[str, Any]) -> EvaluationEvent:
    protocols, report = document.get("protocols", {}), document["report"]

    def by_column(key: str) -> dict[str, Any]:
        return {column(name, protocols.get(name)): x for name, x in document.get(key, {}).items()}

    return EvaluationEvent(
        when=document["created_at"],
        student=document["student"],
        digest=document["student_digest"],
        pairs=document["pairs"],
        values=by_column("values"),
        report=report,
        recipe=document.get("recipe", report.partition("/")[0].rpartition("-")[0]),
        intervals=by_column("intervals"),
        deviations={name: unpacked(each) for name, each in by_column("deviations").items()},
        drawn_on=document.get("drawn_on", {}),
        num_samples=document.get("num_samples", {}),
        protocols={key[:DIGITS]: said for key, said in document.get("measured", {}).items()},
    )


def record_evaluations(run: Run, evaluated: Sequence[StageResult]) -> None:
    """Write one document per evaluation, however often it's reported."""
    history = run.home / "reports" / "history"
    for student in evaluated:
        event: Mapping[str, Any] = {
            "student": student.facts["student"],
            "student_digest": student.facts["student_digest"],
            "evaluation": student.digest,
            "pairs": student.facts["pairs"],
            "values": student.facts["values"],
            **_protocols(student),
            **{key: student.facts[key] for key in _UNCERTAINTY if key in student.facts},
            "num_samples": {
                "heldout": student.facts["num_heldout"],
                "fresh": student.facts["num_fresh"],
            },
            "recipe": run.recipe.name,
            "report": f"{run.report_folder().name}/report.html",
        }
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        history.create(f"{student.digest}.json", seal({**event, "created_at": created_at}))


def _protocols(student: StageResult) -> dict[str, dict[str, str]]:
    """The digest of each protocol, by number, and its words, by digest, if there is any."""
    found = student.facts.get("protocols", {})
    if not found:
        return {}
    digests = {name: protocol_digest(each) for name, each in found.items()}
    return {
        "protocols": digests,
        "measured": {digests[name]: protocol_in_words(each) for name, each in found.items()},
    }
