"""What the history of a home's evaluations shows: the page of all of them, and what became worse."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from flows.documents.history import DIGITS, read_events
from flows.documents.pages import write_page
from flows.stage import Run, StageResult
from kdm.evaluate.evaluate import meanings_of
from kdm.metrics.metric import Meaning
from kdm.report.changes import Change, became_worse
from kdm.report.content import EvaluationEvent
from storage.folders import Folder


def write_overview(
    home: Folder, runs: Sequence[Run], events: Sequence[EvaluationEvent] | None = None
) -> None:
    """Rewrite reports/overview.html from the history of evaluations, read unless it's given."""
    from kdm.report.overview import render_overview

    events = read_events(home) if events is None else events
    page = render_overview(
        events,
        _meanings(events, runs),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_page(home / "reports", "overview.html", page)


def changes_for_the_worse(
    run: Run, evaluated: Sequence[StageResult], events: Sequence[EvaluationEvent]
) -> tuple[Change, ...]:
    """What became worse with these trainings of the recipe's students, by the home's history."""
    own = [event for event in events if event.recipe == run.recipe.name]
    digests = {student.facts["student_digest"] for student in evaluated}
    changes = became_worse(own, _meanings(own, (run,)))
    return tuple(change for change in changes if change.digest_after in digests)


def _meanings(events: Sequence[EvaluationEvent], runs: Sequence[Run]) -> dict[str, Meaning]:
    """Of every column that the events fill by a metric of these runs."""
    metrics = {each.plugin: each for run in runs for each in run.recipe.evaluation.metrics}
    columns = {name for event in events for name in event.values}
    return with_columns(meanings_of(metrics.values()), columns)


def with_columns(meanings: Mapping[str, Meaning], columns: Iterable[str]) -> dict[str, Meaning]:
    """The meaning of each column: a number that was measured by a protocol has one for each.

    Their heads end in the first digits of the protocol's digest.
    """
    known = sorted({name for name in columns if "@" in name})
    found: dict[str, Meaning] = {}
    for name, meaning in meanings.items():
        own = [each for each in known if each.partition("@")[0] == name]
        heads = {each: f"{meaning.label} [{each.partition('@')[2][:DIGITS]}]" for each in own}
        found |= {each: replace(meaning, label=heads[each]) for each in own} or {name: meaning}
    return found
