"""Every evaluation that a home has seen, a small file each, and the overview that is drawn from them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flows.documents.pages import write_page
from flows.stage import Run, StageResult
from kdm.evaluate.evaluate import meanings_of
from kdm.metrics.metric import Meaning
from kdm.metrics.protocol import column
from kdm.report.content import EvaluationEvent
from storage.digest import seal, unseal
from storage.folders import Folder

_EVENT = re.compile(r"[0-9a-f]{64}\.json")


def write_overview(home: Folder, runs: Sequence[Run]) -> None:
    """Rewrite reports/overview.html from the history of evaluations."""
    from kdm.report.overview import render_overview

    meanings = meanings_of(
        {each.plugin: each for run in runs for each in run.recipe.evaluation.metrics}.values()
    )
    events = read_events(home)
    columns = {name for event in events for name in event.values}
    page = render_overview(
        events,
        with_columns(meanings, columns),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_page(home / "reports", "overview.html", page)


def read_events(home: Folder) -> list[EvaluationEvent]:
    """Every evaluation that the home has seen, by time."""
    history = home / "reports" / "history"
    names = filter(_EVENT.fullmatch, history.names())  # copies and notes aren't events
    documents = [unseal(history.read(name), f"{history.url}/{name}") for name in names]
    events = [
        EvaluationEvent(
            when=document["created_at"],
            student=document["student"],
            digest=document["student_digest"],
            pairs=document["pairs"],
            values={
                column(name, document.get("protocols", {}).get(name)): value
                for name, value in document["values"].items()
            },
            report=document["report"],
        )
        for document in documents
    ]
    return sorted(events, key=lambda event: (event.when, event.student))


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
            "report": f"{run.report_folder().name}/report.html",
        }
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        history.create(f"{student.digest}.json", seal({**event, "created_at": created_at}))


def with_columns(meanings: Mapping[str, Meaning], columns: Iterable[str]) -> dict[str, Meaning]:
    """The meaning of each column: a number that was measured by a protocol has one for each.

    Their heads end in the first digits of the protocol's digest.
    """
    known = sorted({name for name in columns if "@" in name})
    found: dict[str, Meaning] = {}
    for name, meaning in meanings.items():
        own = [each for each in known if each.partition("@")[0] == name]
        heads = {each: f"{meaning.label} [{each.partition('@')[2][:6]}]" for each in own}
        found |= {each: replace(meaning, label=heads[each]) for each in own} or {name: meaning}
    return found


def _protocols(student: StageResult) -> dict[str, dict[str, str]]:
    """The digest of each protocol, by number, if there is any."""
    found = student.facts.get("protocols", {})
    return {"protocols": {name: each["digest"] for name, each in found.items()}} if found else {}
